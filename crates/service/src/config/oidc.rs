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
            if client_id.is_some() || of_file.client_secret_file.is_some() {
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
