//! Where S3, STS and the sign-in services are, and how a bucket is addressed there.
//!
//! On AWS the bucket is part of the host, elsewhere the first part of the path: the one form that every server
//! understands. STS is the one of the configured region, never another; a server that is not AWS is asked for roles
//! itself, so that its keys are sent nowhere else.

use super::endpoint::Endpoint;
use super::shared_config::SharedConfig;
use crate::aws_partition::AwsPartition;
use crate::{DeliveryError, Environment};

/// A service of AWS that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AwsService {
    S3,
    Sts,
    /// The portal that gives credentials for a sign-in session.
    Sso,
    /// The service that renews a sign-in session.
    SsoOidc,
}

impl AwsService {
    /// The name of its section in the config file; in capitals it ends the name of its variable.
    fn config_name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Sts => "sts",
            Self::Sso => "sso",
            Self::SsoOidc => "sso_oidc",
        }
    }

    /// How its hosts begin.
    fn host_prefix(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Sts => "sts",
            Self::Sso => "portal.sso",
            Self::SsoOidc => "oidc",
        }
    }
}

/// Finds the endpoints of services by the environment and the config file.
#[derive(Debug, Clone, Default)]
pub(crate) struct EndpointResolver {
    environment: Environment,
    config: SharedConfig,
    uses_fips: bool,
    uses_dual_stack: bool,
    uses_dual_stack_for_s3: bool,
    ignores_configured: bool,
}

impl EndpointResolver {
    pub(crate) fn new(environment: &Environment, config: &SharedConfig) -> Self {
        let flag = |variable, key| config.flag(environment, variable, key);
        let uses_dual_stack = flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
        Self {
            uses_fips: flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
            uses_dual_stack,
            uses_dual_stack_for_s3: config.uses_dual_stack_for_s3().unwrap_or(uses_dual_stack),
            ignores_configured: flag(
                "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                "ignore_configured_endpoint_urls",
            ),
            environment: environment.clone(),
            config: config.clone(),
        }
    }

    /// Returns the address that is configured for a service: by its own variable, by the one for all services, or in
    /// the config file.
    ///
    /// # Errors
    /// When the config file names a section that does not exist.
    pub(crate) fn configured_url(&self, service: AwsService) -> Result<Option<&str>, DeliveryError> {
        if self.ignores_configured {
            return Ok(None);
        }
        let name = service.config_name();
        let variable = format!("AWS_ENDPOINT_URL_{}", name.to_ascii_uppercase());
        let in_environment =
            self.environment.get(&variable).or_else(|| self.environment.get("AWS_ENDPOINT_URL"));
        match in_environment {
            Some(url) => Ok(Some(url)),
            None => self.config.endpoint_url(name),
        }
    }

    /// Returns the endpoint of a service in a region: the configured one, else AWS's.
    ///
    /// # Errors
    /// When a configured address is malformed, or settings exclude each other.
    pub(crate) fn endpoint(&self, service: AwsService, region: &str) -> Result<Endpoint, DeliveryError> {
        match self.configured_url(service)? {
            Some(url) => self.parse_configured(service, url),
            None => self.aws_endpoint(service, region, ""),
        }
    }

    /// Parses an endpoint that somebody named. Variants of AWS's own endpoints cannot be chosen beside it.
    fn parse_configured(&self, service: AwsService, url: &str) -> Result<Endpoint, DeliveryError> {
        let endpoint = Endpoint::parse(url)?;
        let variant = match (self.uses_fips, self.dual_stack(service)) {
            (true, _) => "AWS_USE_FIPS_ENDPOINT (use_fips_endpoint)",
            (_, true) => "AWS_USE_DUALSTACK_ENDPOINT (use_dualstack_endpoint)",
            (false, false) => return Ok(endpoint),
        };
        Err(DeliveryError::Configuration {
            message: format!(
                "{variant} is set and cannot be combined with the endpoint `{}`, which is used as it is; unset one of \
                 them",
                endpoint.url("", "")
            ),
        })
    }

    fn dual_stack(&self, service: AwsService) -> bool {
        if service == AwsService::S3 { self.uses_dual_stack_for_s3 } else { self.uses_dual_stack }
    }

    /// Builds the endpoint of a service of AWS. `prefix` is what precedes its host, such as `bucket.`.
    fn aws_endpoint(
        &self,
        service: AwsService,
        region: &str,
        prefix: &str,
    ) -> Result<Endpoint, DeliveryError> {
        let partition = AwsPartition::from_region(region);
        let (name, dual_stack) = (service.host_prefix(), self.dual_stack(service));
        let is_s3 = service == AwsService::S3;
        if is_s3 && self.uses_fips && partition.name == "aws-cn" {
            let message = format!(
                "AWS_USE_FIPS_ENDPOINT (use_fips_endpoint) is set, and S3 has no FIPS endpoint in {region}; unset it"
            );
            return Err(DeliveryError::Configuration { message });
        }
        // The plain endpoints of the government's regions are FIPS endpoints, except those of S3.
        let is_fips_by_default = partition.name == "aws-us-gov" && !is_s3 && !dual_stack;
        let fips = if self.uses_fips && !is_fips_by_default { "-fips" } else { "" };
        let host = match (is_s3, dual_stack) {
            (true, true) => format!("{name}{fips}.dualstack.{region}.{}", partition.dns_suffix),
            (false, true) => format!("{name}{fips}.{region}.{}", partition.dual_stack_dns_suffix),
            (_, false) => format!("{name}{fips}.{region}.{}", partition.dns_suffix),
        };
        Ok(Endpoint::from_aws_host(format!("{prefix}{host}")))
    }
}

/// Where a bucket is, and the path that its keys begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BucketAddress {
    pub(crate) endpoint: Endpoint,
    /// `/` or `/bucket/`.
    pub(crate) path: String,
}

/// The endpoints that a delivery uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeliveryEndpoints {
    pub(crate) bucket: BucketAddress,
    pub(crate) sts: Endpoint,
    /// Whether S3 is a server that is not AWS.
    pub(crate) is_compatible_store: bool,
}

impl DeliveryEndpoints {
    /// Finds the endpoints for a bucket. `configured` outranks what the environment names for S3.
    ///
    /// # Errors
    /// When a configured address is malformed, or settings exclude each other.
    pub(crate) fn new(
        configured: Option<&str>,
        region: &str,
        bucket: &str,
        resolver: &EndpointResolver,
    ) -> Result<Self, DeliveryError> {
        let configured = match configured {
            Some(url) => Some(url),
            None => resolver.configured_url(AwsService::S3)?,
        };
        let s3 = configured.map(|url| resolver.parse_configured(AwsService::S3, url)).transpose()?;
        let compatible_store = s3.as_ref().filter(|s3| !s3.is_aws());
        let sts = match compatible_store {
            Some(store) if resolver.configured_url(AwsService::Sts)?.is_none() => store.clone(),
            _ => resolver.endpoint(AwsService::Sts, region)?,
        };
        let is_compatible_store = compatible_store.is_some();
        let bucket = match s3 {
            Some(endpoint) => BucketAddress { endpoint, path: format!("/{bucket}/") },
            // A name with a dot in it does not fit the certificates of AWS as a host.
            None if bucket.contains('.') => BucketAddress {
                endpoint: resolver.aws_endpoint(AwsService::S3, region, "")?,
                path: format!("/{bucket}/"),
            },
            None => BucketAddress {
                endpoint: resolver.aws_endpoint(AwsService::S3, region, &format!("{bucket}."))?,
                path: "/".to_owned(),
            },
        };
        Ok(Self { bucket, sts, is_compatible_store })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(
        configured: Option<&str>,
        environment: &[(&str, &str)],
        region: &str,
        bucket: &str,
    ) -> Result<(String, String), String> {
        let environment = Environment::from_variables(environment.iter().copied());
        let config = SharedConfig::load(&environment).map_err(|error| error.problem())?;
        let resolver = EndpointResolver::new(&environment, &config);
        let found = DeliveryEndpoints::new(configured, region, bucket, &resolver);
        let found = found.map_err(|error| error.problem())?;
        Ok((found.bucket.endpoint.url(&format!("{}k", found.bucket.path), ""), found.sts.url("/", "")))
    }

    #[track_caller]
    fn check(environment: &[(&str, &str)], region: &str, bucket: &str, s3: &str, sts: &str) {
        let expected = Ok((s3.to_owned(), sts.to_owned()));
        assert_eq!(endpoints(None, environment, region, bucket), expected, "{environment:?} {region}");
    }

    #[test]
    fn aws_has_the_bucket_in_the_host_and_sts_in_the_region() {
        for (region, domain) in [
            ("eu-central-1", "amazonaws.com"),
            ("us-gov-west-1", "amazonaws.com"),
            ("cn-north-1", "amazonaws.com.cn"),
            ("eusc-de-east-1", "amazonaws.eu"),
            ("us-iso-east-1", "c2s.ic.gov"),
            ("us-isob-east-1", "sc2s.sgov.gov"),
            ("eu-isoe-west-1", "cloud.adc-e.uk"),
            ("us-isof-south-1", "csp.hci.ic.gov"),
        ] {
            let sts = format!("https://sts.{region}.{domain}/");
            check(&[], region, "acme", &format!("https://acme.s3.{region}.{domain}/k"), &sts);
            check(&[], region, "a.b", &format!("https://s3.{region}.{domain}/a.b/k"), &sts);
        }
    }

    #[test]
    fn other_servers_have_it_in_the_path_and_are_asked_for_roles_themselves() {
        let at = |configured, environment: &[_], region| {
            endpoints(configured, environment, region, "acme").unwrap()
        };
        let (s3, sts) = at(Some("http://127.0.0.1:9000/"), &[], "eu-central-1");
        assert_eq!((s3.as_str(), sts.as_str()), ("http://127.0.0.1:9000/acme/k", "http://127.0.0.1:9000/"));
        let named =
            [("AWS_ENDPOINT_URL_S3", "https://s3.test"), ("AWS_ENDPOINT_URL_STS", "https://sts.test:443")];
        check(&named, "r", "acme", "https://s3.test/acme/k", "https://sts.test/");
        let all = [("AWS_ENDPOINT_URL", "https://all.test")];
        check(&all, "r", "acme", "https://all.test/acme/k", "https://all.test/");
        // An endpoint in a private network of AWS is AWS.
        let private = Some("https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com");
        assert_eq!(at(private, &[], "eu-west-1").1, "https://sts.eu-west-1.amazonaws.com/");
        let private = Some("https://bucket.vpce-1.s3.eusc-de-east-1.vpce.amazonaws.eu");
        assert_eq!(at(private, &[], "eusc-de-east-1").1, "https://sts.eusc-de-east-1.amazonaws.eu/");
    }

    #[test]
    fn variants_of_the_endpoints_are_used_or_refused() {
        let (fips, dual) = (("AWS_USE_FIPS_ENDPOINT", "true"), ("AWS_USE_DUALSTACK_ENDPOINT", "True"));
        check(
            &[fips],
            "us-east-1",
            "acme",
            "https://acme.s3-fips.us-east-1.amazonaws.com/k",
            "https://sts-fips.us-east-1.amazonaws.com/",
        );
        check(
            &[fips, dual],
            "us-gov-west-1",
            "acme",
            "https://acme.s3-fips.dualstack.us-gov-west-1.amazonaws.com/k",
            "https://sts-fips.us-gov-west-1.api.aws/",
        );
        check(
            &[dual],
            "cn-north-1",
            "acme",
            "https://acme.s3.dualstack.cn-north-1.amazonaws.com.cn/k",
            "https://sts.cn-north-1.api.amazonwebservices.com.cn/",
        );
        for (variable, region, endpoint) in [
            (fips, "us-east-1", Some("http://localhost:9000")),
            (dual, "us-east-1", Some("http://localhost:9000")),
            (fips, "cn-north-1", None),
        ] {
            let refused = endpoints(endpoint, &[variable], region, "acme").unwrap_err();
            assert!(refused.contains(variable.0) && refused.contains("unset"), "{refused}");
        }
        check(
            &[("AWS_USE_FIPS_ENDPOINT", "false")],
            "r",
            "acme",
            "https://acme.s3.r.amazonaws.com/k",
            "https://sts.r.amazonaws.com/",
        );
    }

    #[test]
    fn configured_endpoints_can_be_ignored() {
        let ignored =
            [("AWS_ENDPOINT_URL", "https://all.test"), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")];
        check(&ignored, "r", "acme", "https://acme.s3.r.amazonaws.com/k", "https://sts.r.amazonaws.com/");
    }
}
