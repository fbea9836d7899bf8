//! The address of the list of findings: its filters and its page.

use domesday_drift::FindingKind;
use domesday_service::ServiceError;
use domesday_service::drift::FindingFilter;

use super::PATH;
use crate::console::form::Form;
use crate::console::paged::ListAddress;

/// How many findings a page has.
pub(super) const PAGE: usize = 25;

/// The filters.
pub(super) const FILTERS: &[&str] = &["connection", "kind", "dataSource", "user", "role"];

/// Reads the address.
///
/// # Errors
/// [`ServiceError::Invalid`] when the kind or the page is none.
pub(super) fn read(form: &Form) -> Result<(ListAddress, FindingFilter), ServiceError> {
    let address = ListAddress::read(PATH, form, FILTERS)?;
    let kinds = FindingKind::ALL.map(|kind| (kind.as_str(), kind));
    let name = |field: &str| Some(address.value(field).to_owned()).filter(|value| !value.is_empty());
    let filter = FindingFilter {
        connection: name("connection"),
        kind: address.one_of("kind", &kinds)?,
        data_source: name("dataSource"),
        user: name("user"),
        role: name("role"),
    };
    Ok((address, filter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_a_filter() {
        let (address, filter) =
            read(&Form::parse("connection=shop&kind=EXCESS&dataSource=a.b&user=ada&page=2")).unwrap();
        assert_eq!(filter.kind, Some(FindingKind::Excess));
        assert_eq!((filter.data_source.as_deref(), filter.role), (Some("a.b"), None));
        assert_eq!(address.offset(PAGE), PAGE);
        assert_eq!(
            address.href(PATH, &[("kind", "")]),
            "/console/drift?connection=shop&dataSource=a.b&user=ada"
        );
        assert!(read(&Form::parse("kind=excess")).is_err() && read(&Form::parse("page=0")).is_err());
    }
}
