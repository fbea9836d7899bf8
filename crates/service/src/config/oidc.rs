//! The settings of single sign-on.

use super::Oidc;
use super::file;
use super::reader::Reader;
use super::services::is_plain_address;
use crate::oidc::is_trusted_address;

impl Reader<'_> {
    /// The provider of single sign-on; `has_public_url` tells whether it can lead browsers back.
    pub(super) fn oidc(&mut self, of_file: file::Oidc, has_public_url: bool) -> Option<Oidc> {
        let issuer = self.text("DOMESDAY_OIDC_ISSUER", of_file.issuer);
        let client_id = self.text("DOMESDAY_OIDC_CLIENT_ID", of_file.client_id);
        let username_claim = self.text("DOMESDAY_OIDC_USERNAME_CLAIM", of_file.username_claim);
        let (setting, variable) = ("oidc.client_secret_file", "DOMESDAY_OIDC_CLIENT_SECRET");
        let Some(issuer) = issuer else {
            let has_secret = of_file.client_secret_file.is_some() || self.environment(variable).is_some();
            if client_id.is_some() || username_claim.is_some() || has_secret {
                self.missing(
                    "single sign-on needs oidc.issuer (DOMESDAY_OIDC_ISSUER), the address of the provider",
                );
            }
            return None;
        };
        let client_secret = self.secret(setting, variable, of_file.client_secret_file)?;
        // Not repeated in the mistake: it may contain a password.
        let is_address = is_plain_address(&issuer) && !issuer.contains(['?', '#']);
        self.require(
            is_address && is_trusted_address(&issuer, &issuer),
            "oidc.issuer (DOMESDAY_OIDC_ISSUER) must be an https address without user, password and query, as the \
             provider names itself; http only for a provider on this machine"
                .to_owned(),
        );
        if !has_public_url {
            self.missing(
                "single sign-on needs server.public_url (DOMESDAY_PUBLIC_URL): the provider leads browsers back there",
            );
        }
        let (Some(client_id), Some(client_secret)) = (client_id, client_secret) else {
            self.missing(
                "single sign-on needs oidc.client_id and oidc.client_secret_file (DOMESDAY_OIDC_CLIENT_ID, \
                 DOMESDAY_OIDC_CLIENT_SECRET), which the provider gives when the service is registered there",
            );
            return None;
        };
        Some(Oidc { issuer, client_id, client_secret, username_claim })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn single_sign_on_needs_a_provider_over_tls_a_client_and_a_public_address() {
        let read = |variables: &[(&str, &str)]| {
            let variable = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            Config::read(None, variable).map(|config| config.oidc)
        };
        let issuer = ("DOMESDAY_OIDC_ISSUER", "https://login.example/realms/acme");
        let id = ("DOMESDAY_OIDC_CLIENT_ID", "domesday");
        let secret = ("DOMESDAY_OIDC_CLIENT_SECRET", "secret-word");
        let address = ("DOMESDAY_PUBLIC_URL", "https://domesday.example");
        let oidc = read(&[issuer, id, secret, address]).unwrap().unwrap();
        assert_eq!((&*oidc.issuer, oidc.username_claim), (issuer.1, None));
        assert!(read(&[]).unwrap().is_none());
        for incomplete in
            [&[id][..], &[secret], &[issuer, id, address], &[issuer, secret, address], &[issuer, id, secret]]
        {
            assert_eq!(read(incomplete).unwrap_err().0.len(), 1, "{incomplete:?}");
        }
        for wrong in [
            "http://login.example",
            "login.example",
            "https://u:secret-word@login.example",
            "https://l.example/?x",
        ] {
            let mistakes = read(&[("DOMESDAY_OIDC_ISSUER", wrong), id, secret, address]).unwrap_err();
            assert_eq!(mistakes.0.len(), 1, "{wrong}");
            assert!(!mistakes.to_string().contains("secret-word"));
        }
    }
}
