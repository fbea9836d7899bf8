//! `data-products` and `data-product-assets`.

use super::{EXPORT_DATE, Table, integer, string, timestamp};

pub(super) const DATA_PRODUCTS: Table = Table {
    name: "data-products",
    about: "One row per data product: a bundle of data sources that is asked for as one.",
    key: &["data_product_id"],
    order: "By data_product_id as a number.",
    sorted_by: &[],
    fields: &[
        string("data_product_id", "Id, as decimal text.").unique(),
        string("data_product_name", "Unique name."),
        string("description", "What it offers.").or_null(),
        string("domains", "JSON array of the names of the domains it belongs to, sorted."),
        string("sme_global_user_id", "The subject matter expert.").or_null().user(),
        string("created_by_global_user_id", "Who made it.").user(),
        string("status", "PUBLISHED, or SUSPENDED: its approved requests give no access while it lasts."),
        integer("data_source_count", "How many data sources it holds."),
        integer("member_count", "How many active users have an approved, unexpired request for it."),
        integer("pending_request_count", "How many requests for it are not decided."),
        timestamp("created_at", "When it was made."),
        timestamp("updated_at", "When it last changed."),
        EXPORT_DATE,
    ],
};

pub(super) const DATA_PRODUCT_ASSETS: Table = Table {
    name: "data-product-assets",
    about: "One row per data product, data source and column that the product brings.",
    key: &["data_product_id", "datasource_id", "column_id"],
    order: "By data_product_id as a number, datasource_id, column_id.",
    sorted_by: &[],
    fields: &[
        string("data_product_id", "The data product.").refers_to("data-products", "data_product_id"),
        integer("datasource_id", "The data source.").refers_to("datasource-metadata", "datasource_id"),
        integer("column_id", "The column; null when the product brings the data source without any column.")
            .or_null()
            .refers_to("column-metadata", "column_id"),
        timestamp("added_at", "When the data source came into the product."),
        EXPORT_DATE,
    ],
};
