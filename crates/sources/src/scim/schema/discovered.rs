//! The schemas of what clients discover: schemas, resource types, the configuration (RFC 7643, sections 5 to 7).

use super::types::{Attribute, DataType, Mutability, Schema};

const PREFIX: &str = "urn:ietf:params:scim:schemas:core:2.0:";

fn read_only(attribute: Attribute) -> Attribute {
    let sub_attributes = attribute.sub_attributes.into_iter().map(read_only).collect();
    Attribute { mutability: Mutability::ReadOnly, sub_attributes, ..attribute }
}

fn schema(name: &str, description: &str, attributes: Vec<Attribute>) -> Schema {
    Schema {
        id: format!("{PREFIX}{name}"),
        name: name.to_owned(),
        description: description.to_owned(),
        attributes: attributes.into_iter().map(read_only).collect(),
    }
}

fn boolean(name: &str, description: &str) -> Attribute {
    Attribute::new(name, DataType::Boolean, description).required()
}

fn address(name: &str, description: &str) -> Attribute {
    Attribute::new(name, DataType::Reference, description)
}

/// Returns the schemas of what clients discover.
pub(in crate::scim) fn discovery_schemas() -> [Schema; 3] {
    [service_provider_config(), resource_type(), schema_of_schemas()]
}

fn service_provider_config() -> Schema {
    let supported = || boolean("supported", "Whether it is supported");
    let number = |name, description| Attribute::new(name, DataType::Integer, description).required();
    let option = |name, description, more: Vec<Attribute>| {
        Attribute::complex(name, description, [supported()].into_iter().chain(more).collect()).required()
    };
    let scheme = vec![
        Attribute::string("type", "The kind of authentication").required().canonical(&[
            "oauth",
            "oauth2",
            "oauthbearertoken",
            "httpbasic",
            "httpdigest",
        ]),
        Attribute::string("name", "The name of the scheme").required(),
        Attribute::string("description", "What the scheme is").required(),
        address("specUri", "The address of its specification").refers_to(&["external"]),
        address("documentationUri", "The address of its documentation").refers_to(&["external"]),
        Attribute::new("primary", DataType::Boolean, "Whether it is the preferred scheme"),
    ];
    schema(
        "ServiceProviderConfig",
        "What this server supports",
        vec![
            address("documentationUri", "The address of the documentation").refers_to(&["external"]),
            option("patch", "PATCH", vec![]),
            option(
                "bulk",
                "Bulk requests",
                vec![
                    number("maxOperations", "The most operations"),
                    number("maxPayloadSize", "The largest body in bytes"),
                ],
            ),
            option("filter", "Filters", vec![number("maxResults", "The most resources in one answer")]),
            option("changePassword", "Changes of passwords", vec![]),
            option("sort", "Sorting", vec![]),
            option("etag", "Entity tags", vec![]),
            Attribute::complex("authenticationSchemes", "How clients authenticate", scheme)
                .multi_valued()
                .required(),
        ],
    )
}

fn resource_type() -> Schema {
    let extension = vec![
        address("schema", "The URN of the extension").refers_to(&["uri"]).required(),
        boolean("required", "Whether every resource has the extension"),
    ];
    schema(
        "ResourceType",
        "A type of resource",
        vec![
            Attribute::string("name", "The name of the type").required().case_exact(),
            Attribute::string("description", "What resources of the type are"),
            address("endpoint", "The address of the resources below the base address")
                .refers_to(&["uri"])
                .required(),
            address("schema", "The URN of the schema").refers_to(&["uri"]).required(),
            Attribute::complex("schemaExtensions", "The extensions of the type", extension).multi_valued(),
        ],
    )
}

fn schema_of_schemas() -> Schema {
    // Sub-attributes have the same fields, to one level.
    let fields =
        || {
            vec![
                Attribute::string("name", "The name of the attribute").required().case_exact(),
                Attribute::string("type", "The type of its values").required().canonical(&[
                    "string",
                    "boolean",
                    "decimal",
                    "integer",
                    "dateTime",
                    "reference",
                    "complex",
                    "binary",
                ]),
                boolean("multiValued", "Whether it has several values"),
                Attribute::string("description", "What the attribute is"),
                boolean("required", "Whether every resource has a value"),
                Attribute::string("canonicalValues", "The usual values").multi_valued().case_exact(),
                boolean("caseExact", "Whether the case of letters counts"),
                Attribute::string("mutability", "Who changes it, and when")
                    .required()
                    .case_exact()
                    .canonical(&["readOnly", "readWrite", "immutable", "writeOnly"]),
                Attribute::string("returned", "When answers contain it")
                    .required()
                    .case_exact()
                    .canonical(&["always", "never", "default", "request"]),
                Attribute::string("uniqueness", "Where its values are unique")
                    .case_exact()
                    .canonical(&["none", "server", "global"]),
                Attribute::string("referenceTypes", "What its values refer to").multi_valued().case_exact(),
            ]
        };
    let mut attribute = fields();
    attribute.push(
        Attribute::complex("subAttributes", "The attributes of a complex value", fields()).multi_valued(),
    );
    schema(
        "Schema",
        "A schema",
        vec![
            Attribute::string("name", "The name of the schema").case_exact(),
            Attribute::string("description", "What the schema is about"),
            Attribute::complex("attributes", "The attributes", attribute).multi_valued().required(),
        ],
    )
}
