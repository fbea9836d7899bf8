//! What the pages say of the status of a request.

use domesday_model::{DeterminationStatus, Instant, Request, RequestStatus, RequestType, Scope, Target};

/// A word with its shape.
#[derive(Debug, Clone, Copy)]
pub(in crate::console) struct Chip {
    pub(in crate::console) class: &'static str,
    pub(in crate::console) icon: &'static str,
    pub(in crate::console) text: &'static str,
}

const fn chip(class: &'static str, icon: &'static str, text: &'static str) -> Chip {
    Chip { class, icon, text }
}

/// The statuses by which requests are found; an approved one that has ended is expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum ShownStatus {
    Pending,
    Approved,
    Expired,
    Denied,
    Canceled,
    Revoked,
}

impl ShownStatus {
    pub(in crate::console) const ALL: [(&'static str, Self); 6] = [
        ("PENDING", Self::Pending),
        ("APPROVED", Self::Approved),
        ("EXPIRED", Self::Expired),
        ("DENIED", Self::Denied),
        ("CANCELED", Self::Canceled),
        ("REVOKED", Self::Revoked),
    ];

    pub(in crate::console) fn new(request: &Request, now: Instant) -> Self {
        match request.status {
            RequestStatus::Pending => Self::Pending,
            RequestStatus::Approved if request.is_in_force(now) => Self::Approved,
            RequestStatus::Approved => Self::Expired,
            RequestStatus::Denied => Self::Denied,
            RequestStatus::Canceled => Self::Canceled,
            RequestStatus::Revoked => Self::Revoked,
        }
    }

    /// As tables and the address have it.
    pub(in crate::console) fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, status)| *status == self).map_or("", |(name, _)| name)
    }

    pub(in crate::console) fn chip(self) -> Chip {
        match self {
            Self::Pending => chip("wait", "pending", "Pending"),
            Self::Approved => chip("ok", "check", "Approved"),
            Self::Expired => chip("none", "clock", "Expired"),
            Self::Denied => chip("fail", "cross", "Denied"),
            Self::Canceled => chip("none", "dash", "Canceled"),
            Self::Revoked => chip("fail", "cross", "Revoked"),
        }
    }
}

/// The chip of a request that waits for whoever looks at it.
pub(in crate::console) const WAITS_FOR_YOU: Chip = chip("wait", "pending", "Waits for you");

/// A decision, to be said after a name.
pub(in crate::console) fn decision_chip(status: DeterminationStatus) -> Chip {
    match status {
        DeterminationStatus::Approved => chip("ok", "check", "approved"),
        DeterminationStatus::Denied => chip("fail", "cross", "denied"),
        DeterminationStatus::Pending => chip("wait", "pending", "has not decided"),
        DeterminationStatus::Blocked => chip("none", "dash", "cannot decide"),
        DeterminationStatus::Canceled => chip("none", "dash", "ended it"),
        DeterminationStatus::Revoked => chip("fail", "cross", "revoked it"),
    }
}

/// What is asked for, in a few words.
pub(in crate::console) fn subject(request: &Request) -> String {
    let target = target_name(&request.target);
    match (request.kind, request.scope) {
        (RequestType::DataAccess, Scope::Read) => target.to_owned(),
        (RequestType::DataAccess, Scope::Write) => format!("{target}, to write"),
        (RequestType::MaskingException, _) => {
            let columns: Vec<_> = request.columns.iter().map(String::as_str).collect();
            format!("{} of {target}, unmasked", columns.join(", "))
        }
    }
}

pub(in crate::console) fn target_name(target: &Target) -> &str {
    match target {
        Target::DataProduct(name) | Target::DataSource(name) => name,
    }
}
