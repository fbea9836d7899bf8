//! The same world with many more people and sources in it: what the engine keeps in words of bits and in
//! shared classes does not show in a world of six.

use std::collections::BTreeSet;

use domesday_model::{Catalog, Declared, Level};

/// Copies every user and every data source, copies standing round about (`ada`, `bob`, `ada~1`, `bob~1`, …).
///
/// A copied user has the groups and attributes of the original and, in every third copy, is also named
/// wherever the original is: as owner, individual, and by a request of their own. Copied sources are held by
/// the same products and named by the same policies.
pub(crate) fn widen(catalog: &Catalog, user_copies: usize, source_copies: usize) -> Catalog {
    let mut wide = catalog.clone();
    wide.users =
        copies(&catalog.users, user_copies, |user, copy| user.username = copied(&user.username, copy));
    wide.data_sources = copies(&catalog.data_sources, source_copies, |source, copy| {
        source.name = copied(&source.name, copy);
    });
    let named_copies = || (1..user_copies).filter(|copy| copy % 3 == 0);
    let add_users = |names: &mut BTreeSet<String>| {
        let more: Vec<_> =
            names.iter().flat_map(|name| named_copies().map(move |copy| copied(name, copy))).collect();
        names.extend(more);
    };
    for source in &mut wide.data_sources {
        add_users(&mut source.spec.owners);
    }
    for policy in &mut wide.policies {
        if let Level::Individuals { individuals } = &mut policy.spec.level {
            add_users(&mut individuals.users);
        }
    }
    for copy in named_copies() {
        for request in &catalog.requests {
            let mut request = request.spec.clone();
            request.id = copied(&request.id, copy);
            request.user = copied(&request.user, copy);
            wide.requests.push(Declared::new(request, "world.json"));
        }
    }
    for product in &mut wide.data_products {
        for asset in product.spec.data_sources.clone() {
            for copy in 1..source_copies {
                let mut asset = asset.clone();
                asset.name = copied(&asset.name, copy);
                product.spec.data_sources.push(asset);
            }
        }
    }
    wide
}

/// `ada~3`; the original is copy 0.
fn copied(name: &str, copy: usize) -> String {
    format!("{name}~{copy}")
}

fn copies<T: Clone>(originals: &[Declared<T>], count: usize, rename: fn(&mut T, usize)) -> Vec<Declared<T>> {
    let mut all = originals.to_vec();
    for copy in 1..count {
        all.extend(originals.iter().map(|original| {
            let mut original = original.clone();
            rename(&mut original.spec, copy);
            original
        }));
    }
    all
}
