//! The partitions of AWS: separate clouds with domains and ARNs of their own.

/// One partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AwsPartition {
    /// The name in ARNs, such as `aws-cn`.
    pub(crate) name: &'static str,
    /// How the names of its regions begin; empty for the commercial partition, which has every other region.
    region_prefix: &'static str,
    /// The domain of its endpoints.
    pub(crate) dns_suffix: &'static str,
    /// The domain of its endpoints for IPv6 and IPv4 together, except those of S3.
    pub(crate) dual_stack_dns_suffix: &'static str,
}

/// Every partition; the last one has all regions that no other claims, so that new regions work.
const PARTITIONS: [AwsPartition; 8] = [
    AwsPartition {
        name: "aws-cn",
        region_prefix: "cn-",
        dns_suffix: "amazonaws.com.cn",
        dual_stack_dns_suffix: "api.amazonwebservices.com.cn",
    },
    AwsPartition {
        name: "aws-us-gov",
        region_prefix: "us-gov-",
        dns_suffix: "amazonaws.com",
        dual_stack_dns_suffix: "api.aws",
    },
    AwsPartition {
        name: "aws-eusc",
        region_prefix: "eusc-",
        dns_suffix: "amazonaws.eu",
        dual_stack_dns_suffix: "api.amazonwebservices.eu",
    },
    AwsPartition {
        name: "aws-iso",
        region_prefix: "us-iso-",
        dns_suffix: "c2s.ic.gov",
        dual_stack_dns_suffix: "api.aws.ic.gov",
    },
    AwsPartition {
        name: "aws-iso-b",
        region_prefix: "us-isob-",
        dns_suffix: "sc2s.sgov.gov",
        dual_stack_dns_suffix: "api.aws.scloud",
    },
    AwsPartition {
        name: "aws-iso-e",
        region_prefix: "eu-isoe-",
        dns_suffix: "cloud.adc-e.uk",
        dual_stack_dns_suffix: "api.cloud-aws.adc-e.uk",
    },
    AwsPartition {
        name: "aws-iso-f",
        region_prefix: "us-isof-",
        dns_suffix: "csp.hci.ic.gov",
        dual_stack_dns_suffix: "api.aws.hci.ic.gov",
    },
    AwsPartition {
        name: "aws",
        region_prefix: "",
        dns_suffix: "amazonaws.com",
        dual_stack_dns_suffix: "api.aws",
    },
];

impl AwsPartition {
    /// Returns the partition that a region belongs to.
    pub(crate) fn from_region(region: &str) -> Self {
        let found = PARTITIONS.into_iter().find(|partition| region.starts_with(partition.region_prefix));
        found.unwrap_or(PARTITIONS[PARTITIONS.len() - 1])
    }
}

/// Whether a host belongs to AWS, in any partition.
pub(crate) fn is_aws_host(host: &str) -> bool {
    let is_below = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    PARTITIONS
        .iter()
        .any(|partition| is_below(partition.dns_suffix) || is_below(partition.dual_stack_dns_suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_belongs_to_one_partition() {
        for (region, name, dns_suffix) in [
            ("eu-central-1", "aws", "amazonaws.com"),
            ("us-east-1", "aws", "amazonaws.com"),
            ("xx-new-9", "aws", "amazonaws.com"),
            ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
            ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
            ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
            ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
            ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"),
            ("us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov"),
        ] {
            let partition = AwsPartition::from_region(region);
            assert_eq!((partition.name, partition.dns_suffix), (name, dns_suffix), "{region}");
        }
    }

    #[test]
    fn hosts_of_aws_are_recognised_in_every_partition() {
        for host in [
            "s3.eu-central-1.amazonaws.com",
            "bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com",
            "sts.cn-north-1.amazonaws.com.cn",
            "s3.eusc-de-east-1.amazonaws.eu",
            "s3.us-iso-east-1.c2s.ic.gov",
            "sts.eu-central-1.api.aws",
        ] {
            assert!(is_aws_host(host), "{host}");
        }
        for host in ["amazonaws.com", "evilamazonaws.com", "s3.amazonaws.com.example.test", "localhost", ""] {
            assert!(!is_aws_host(host), "{host}");
        }
    }
}
