//! Changes to a world, read from bytes. A change is read independently of those before it, so that what coverage finds
//! out about one stays valid when another is inserted.

use domesday_model::{
    AppliesTo, Catalog, DataSourceStatus, Declared, Instant, Level, PolicyKind, PolicyState, ProductStatus,
    RequestStatus, RequestType, Scope, Selector, UserStatus,
};

use crate::oracle::generate::at;

/// Reads bytes; after their end it reads zeros.
pub(crate) struct Bytes<'b> {
    rest: &'b [u8],
}

impl<'b> Bytes<'b> {
    pub(crate) fn new(rest: &'b [u8]) -> Self {
        Self { rest }
    }

    pub(crate) fn take(&mut self, count: usize) -> &'b [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn byte(&mut self) -> usize {
        self.take(1).first().map_or(0, |byte| usize::from(*byte))
    }

    /// Reads a text of up to 63 bytes, as far as it is UTF-8.
    fn text(&mut self) -> String {
        let length = self.byte() % 64;
        let bytes = self.take(length);
        let valid = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        String::from_utf8_lossy(&bytes[..valid]).into_owned()
    }

    fn pick<'l, T>(&mut self, list: &'l mut [Declared<T>]) -> Option<&'l mut T> {
        let index = self.byte().checked_rem(list.len())?;
        list.get_mut(index).map(|declared| &mut declared.spec)
    }
}

/// Applies every change in the bytes. The generator's `settle` then repairs references to absent objects.
pub(crate) fn apply(catalog: &mut Catalog, bytes: &mut Bytes<'_>) {
    while !bytes.rest.is_empty() {
        // A change without an object to change has no effect.
        let _ = change(catalog, bytes);
    }
}

fn change(catalog: &mut Catalog, bytes: &mut Bytes<'_>) -> Option<()> {
    match bytes.byte() % 16 {
        0 => {
            let user = bytes.pick(&mut catalog.users)?;
            user.status = [UserStatus::Active, UserStatus::Disabled][bytes.byte() % 2];
        }
        1 => {
            let group = bytes.pick(&mut catalog.groups)?.name.clone();
            let user = bytes.pick(&mut catalog.users)?;
            if !user.groups.remove(&group) {
                user.groups.insert(group);
            }
        }
        2 => {
            let user = bytes.pick(&mut catalog.users)?;
            user.attributes.entry(bytes.text()).or_default().insert(bytes.text());
        }
        3 => {
            let group = bytes.pick(&mut catalog.groups)?;
            group.attributes.entry(bytes.text()).or_default().insert(bytes.text());
        }
        4 => {
            let policy = bytes.pick(&mut catalog.policies)?;
            policy.state =
                [PolicyState::Active, PolicyState::Staged, PolicyState::Disabled][bytes.byte() % 3];
            policy.scope = Scope::ALL[bytes.byte() % 2];
        }
        5 => {
            let policy = bytes.pick(&mut catalog.policies)?;
            if policy.kind == PolicyKind::Grant {
                policy.level = [Level::Anyone, Level::Approval][bytes.byte() % 2].clone();
            }
        }
        6 => {
            let policy = bytes.pick(&mut catalog.policies)?;
            if let Ok(condition) = bytes.text().parse() {
                policy.level = Level::Entitlements { condition };
            }
        }
        7 => {
            let policy = bytes.pick(&mut catalog.policies)?;
            policy.applies_to = applies_to(bytes);
        }
        8 => {
            let policy = bytes.pick(&mut catalog.data_policies)?;
            policy.applies_to = applies_to(bytes);
            policy.columns.names.push(bytes.text());
        }
        9 => {
            let policy = bytes.pick(&mut catalog.data_policies)?;
            policy.except = bytes.text().parse().ok();
            policy.state = [PolicyState::Active, PolicyState::Staged][bytes.byte() % 2];
        }
        10 => {
            let owner = bytes.pick(&mut catalog.users)?.username.clone();
            let source = bytes.pick(&mut catalog.data_sources)?;
            if !source.owners.remove(&owner) {
                source.owners.insert(owner);
            }
        }
        11 => {
            let source = bytes.pick(&mut catalog.data_sources)?;
            let field = match bytes.byte() % 4 {
                0 => &mut source.host,
                1 => &mut source.database,
                2 => &mut source.schema,
                _ => &mut source.table,
            };
            *field = Some(bytes.text()).filter(|text| text != "-");
        }
        12 => {
            let choice = bytes.pick(&mut catalog.policies).map(|policy| policy.name.clone());
            let source = bytes.pick(&mut catalog.data_sources)?;
            source.level_choice = choice;
            source.status = [DataSourceStatus::Enabled, DataSourceStatus::Disabled][bytes.byte() % 2];
        }
        13 => {
            let request = bytes.pick(&mut catalog.requests)?;
            let offset = i64::try_from(bytes.byte()).unwrap_or_default() - 128;
            request.expires_at = (offset != 127).then(|| Instant::from_micros(at().as_micros() + offset));
            request.scope = Scope::ALL[bytes.byte() % 2];
        }
        14 => {
            let request = bytes.pick(&mut catalog.requests)?;
            request.status = [RequestStatus::Approved, RequestStatus::Revoked][bytes.byte() % 2];
            request.kind = [RequestType::DataAccess, RequestType::MaskingException][bytes.byte() % 2];
        }
        _ => {
            let product = bytes.pick(&mut catalog.data_products)?;
            product.status = [ProductStatus::Published, ProductStatus::Suspended][bytes.byte() % 2];
        }
    }
    Some(())
}

fn applies_to(bytes: &mut Bytes<'_>) -> AppliesTo {
    let mut selector = Selector::default();
    let list = match bytes.byte() % 8 {
        0 => return AppliesTo::All,
        1 => return AppliesTo::OptIn,
        2 => &mut selector.names,
        3 => &mut selector.hosts,
        4 => &mut selector.databases,
        5 => &mut selector.tables,
        6 => &mut selector.platforms,
        _ => &mut selector.data_sources,
    };
    *list = Some(vec![bytes.text()]);
    if bytes.byte().is_multiple_of(4) {
        selector.except = vec![Selector { schemas: Some(vec![bytes.text()]), ..Selector::default() }];
    }
    AppliesTo::Any(vec![selector])
}
