//! The example company, built into the program: the files of `examples/acme`.

/// The file that says to whom the catalog belongs.
const TENANT: &str = "tenant.yaml";

macro_rules! files {
    ($($name:literal,)*) => {
        [$(($name, include_str!(concat!("../../../examples/acme/", $name)))),*]
    };
}

/// Every file, by its path in the directory.
const FILES: [(&str, &str); 27] = files![
    "agreements.yaml",
    "data-products.json",
    "data-sources/corporate.yaml",
    "data-sources/customer.yaml",
    "data-sources/operations.yaml",
    "data-sources/shared.yaml",
    "domains.yaml",
    "groups.yaml",
    "people/board.yaml",
    "people/data-and-it.yaml",
    "people/external.yaml",
    "people/finance.yaml",
    "people/operations.yaml",
    "people/people-and-culture.yaml",
    "people/sales-and-marketing.yaml",
    "policies/company-wide.yaml",
    "policies/corporate.yaml",
    "policies/customer.yaml",
    "policies/masking.yaml",
    "policies/operations.yaml",
    "request-forms.json",
    "requests/corporate.yaml",
    "requests/customer.yaml",
    "requests/masking.yaml",
    "requests/operations.yaml",
    "tags.yaml",
    "tenant.yaml",
];

/// Returns the files of the example company, without its tenant unless `with_tenant`: a service has one of its own already.
#[must_use]
pub fn files(with_tenant: bool) -> Vec<(String, Vec<u8>)> {
    let files = FILES.iter().filter(|(name, _)| with_tenant || *name != TENANT);
    files.map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_built_in_company_is_the_one_of_the_directory() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/acme");
        let loaded = crate::load(&directory).unwrap();
        let built_in = crate::load_files(files(true)).unwrap().unwrap();
        assert_eq!(built_in.catalog, loaded.catalog);
        assert_eq!(built_in.files, loaded.files);
        let without = crate::load_files(files(false)).unwrap().unwrap();
        assert!(without.catalog.tenant.is_none() && !without.catalog.users.is_empty());
    }
}
