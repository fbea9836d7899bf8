//! The list of kinds, once: with the list of each in the catalog, and the name of one object.

/// Invokes a macro with every kind of object but the tenant, as `Kind: list in the catalog, name of one object`.
///
/// ```
/// use domesday_model::{Catalog, Kind, for_each_kind};
///
/// fn lengths(catalog: &Catalog) -> Vec<(Kind, usize)> {
///     macro_rules! lengths {
///         ($($kind:ident: $list:ident, $object:ident;)*) => {
///             vec![$((Kind::$kind, catalog.$list.len())),*]
///         };
///     }
///     for_each_kind!(lengths)
/// }
/// assert_eq!(lengths(&Catalog::default())[0], (Kind::Tag, 0));
/// ```
#[macro_export]
macro_rules! for_each_kind {
    ($callback:ident) => {
        $callback! {
            Tag: tags, tag;
            Group: groups, group;
            User: users, user;
            Domain: domains, domain;
            DataSource: data_sources, data_source;
            Policy: policies, policy;
            DataPolicy: data_policies, data_policy;
            Agreement: agreements, agreement;
            RequestForm: request_forms, request_form;
            DataProduct: data_products, data_product;
            Request: requests, request;
            Connection: connections, connection;
        }
    };
}
