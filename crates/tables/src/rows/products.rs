//! data-products and data-product-assets.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use domesday_model::{
    ColumnId, DataProduct, DataSourceIx, Instant, ProductAsset, ProductStatus, RequestStatus, RequestType,
    Target, UserIx,
};

use super::{RowContext, Rows};
use crate::{EncodeError, json};

/// The requests for a product.
#[derive(Default)]
struct Demand {
    members: HashSet<UserIx>,
    pending: usize,
}

pub(crate) fn data_products(world: &RowContext<'_>, rows: &mut Rows<'_>) -> Result<(), EncodeError> {
    let demand = demand(world);
    let none = Demand::default();
    for record in &world.snapshot.data_products {
        let product = &record.spec;
        let demand = demand.get(product.name.as_str()).unwrap_or(&none);
        let by = || describe(product);
        rows.row()
            .text("data_product_id", &record.id.to_string())
            .text("data_product_name", &product.name)
            .optional_text("description", product.description.as_deref())
            .text("domains", &json::strings(product.domains.iter().map(String::as_str)))
            .optional_uuid("sme_global_user_id", world.optional_user(product.sme.as_ref(), by)?)
            .uuid("created_by_global_user_id", world.user(&product.created_by, by)?)
            .text("status", status(product.status))
            .count("data_source_count", listed_count(world, product))
            .count("member_count", demand.members.len())
            .count("pending_request_count", demand.pending)
            .instant("created_at", record.provenance.created_at)
            .instant("updated_at", record.provenance.updated_at)
            .end()?;
    }
    Ok(())
}

fn describe(product: &DataProduct) -> String {
    format!("data product `{}`", product.name)
}

fn status(status: ProductStatus) -> &'static str {
    match status {
        ProductStatus::Published => "PUBLISHED",
        ProductStatus::Suspended => "SUSPENDED",
    }
}

fn demand<'a>(world: &RowContext<'a>) -> HashMap<&'a str, Demand> {
    let mut demand: HashMap<&str, Demand> = HashMap::new();
    for request in &world.snapshot.requests {
        let Target::DataProduct(product) = &request.target else { continue };
        let demand = demand.entry(product).or_default();
        if request.status == RequestStatus::Pending {
            demand.pending += 1;
        }
        let is_access = request.kind == RequestType::DataAccess && request.is_in_force(world.snapshot.at);
        let user = world.snapshot.user(&request.user).filter(|user| world.snapshot.is_active(*user));
        demand.members.extend(user.filter(|_| is_access));
    }
    demand
}

pub(crate) fn data_product_assets(world: &RowContext<'_>, rows: &mut Rows<'_>) -> Result<(), EncodeError> {
    for record in &world.snapshot.data_products {
        let product = &record.spec;
        let mut assets: BTreeMap<DataSourceIx, (Instant, BTreeSet<ColumnId>)> = BTreeMap::new();
        for asset in &product.data_sources {
            let Some(source) = world.data_source(&asset.name) else { continue };
            let part = format!("asset:{}", asset.name);
            let added_at = record.provenance.since.part_since(&part, record.provenance.created_at);
            let columns = columns(world, asset, source);
            assets.entry(source).or_insert((added_at, BTreeSet::new())).1.extend(columns);
        }
        for (source, (added_at, columns)) in assets {
            let source = world.snapshot.data_sources[source.get()].id.0;
            let without = columns.is_empty().then_some(None);
            for column in columns.into_iter().map(Some).chain(without) {
                rows.row()
                    .text("data_product_id", &record.id.to_string())
                    .integer("datasource_id", source)
                    .optional_integer("column_id", column.map(|column| column.0))
                    .instant("added_at", added_at)
                    .end()?;
            }
        }
    }
    Ok(())
}

/// Returns how many of the data sources that a product names there are.
fn listed_count(world: &RowContext<'_>, product: &DataProduct) -> usize {
    product.data_sources.iter().filter(|asset| world.data_source(&asset.name).is_some()).count()
}

/// Returns the columns of a source that a product contains: those named that there are, or all of them. The columns of a
/// source that a connection lists come and go without the product.
fn columns(world: &RowContext<'_>, asset: &ProductAsset, source: DataSourceIx) -> Vec<ColumnId> {
    let all = || world.snapshot.columns_of(source).map(|(_, column)| column);
    let Some(names) = &asset.columns else { return all().map(|column| column.id).collect() };
    let column = |name: &String| all().find(|column| *column.name == **name).map(|column| column.id);
    names.iter().filter_map(column).collect()
}
