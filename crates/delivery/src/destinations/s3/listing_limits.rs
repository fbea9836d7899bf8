//! Limits of a listing: a server decides how much it sends, not how much is read.

use std::collections::HashSet;
use std::time::Duration;

use super::listing::Page;
use crate::cancellation::DisplayDuration;
use crate::text::excerpt_short;
use crate::{DeliveryError, ListedObject};

/// Limits of a whole listing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListingLimits {
    /// Pages.
    pages: usize,
    /// Objects that are listed.
    objects: usize,
    /// Objects that are kept, and the bytes of their keys and tokens.
    kept: usize,
    key_bytes: usize,
    /// The time for all pages.
    time: Duration,
}

#[cfg(test)]
impl ListingLimits {
    pub(crate) fn for_test(pages: usize, objects: usize) -> Self {
        Self { pages, objects, ..Self::default() }
    }
}

impl Default for ListingLimits {
    fn default() -> Self {
        Self {
            pages: 2_000,
            objects: 1_000_000,
            kept: 250_000,
            key_bytes: 64 << 20,
            time: Duration::from_secs(15 * 60),
        }
    }
}

/// The progress of a listing, compared with its limits.
#[derive(Debug)]
pub(crate) struct ListingProgress {
    limits: ListingLimits,
    prefix: String,
    pages: usize,
    objects: usize,
    kept: usize,
    key_bytes: usize,
    tokens: HashSet<String>,
    token_bytes: usize,
}

impl ListingProgress {
    pub(crate) fn new(limits: ListingLimits, prefix: &str) -> Self {
        Self {
            limits,
            prefix: prefix.to_owned(),
            pages: 0,
            objects: 0,
            kept: 0,
            key_bytes: 0,
            tokens: HashSet::new(),
            token_bytes: 0,
        }
    }

    /// Counts a page, and returns the token of the next one.
    ///
    /// # Errors
    /// When a limit is exceeded, or the listing returns to an earlier page.
    pub(crate) fn add_page(
        &mut self,
        page: &Page,
        elapsed: Duration,
    ) -> Result<Option<String>, DeliveryError> {
        self.pages += 1;
        self.objects += page.objects.len();
        self.check_limit(self.objects, self.limits.objects, "objects")?;
        let Some(next) = page.next.clone() else { return Ok(None) };
        self.check_limit(self.pages + 1, self.limits.pages, "pages")?;
        if elapsed > self.limits.time {
            return Err(self.limit_error(&format!("{}", DisplayDuration(self.limits.time))));
        }
        self.token_bytes += next.len();
        self.check_limit(self.token_bytes, self.limits.key_bytes, "bytes of continuation tokens")?;
        if !self.tokens.insert(next.clone()) {
            let what = format!(
                "the listing of `{}` never ends: its continuation token `{}` leads back to a page that was read",
                self.prefix,
                excerpt_short(&next)
            );
            return Err(DeliveryError::LimitExceeded { what });
        }
        Ok(Some(next))
    }

    /// Counts an object that is kept.
    ///
    /// # Errors
    /// When there are too many.
    pub(crate) fn add_kept(&mut self, object: &ListedObject) -> Result<(), DeliveryError> {
        self.kept += 1;
        self.key_bytes += object.key.len() + object.etag.as_ref().map_or(0, String::len);
        self.check_limit(self.kept, self.limits.kept, "objects to compare with")?;
        self.check_limit(self.key_bytes, self.limits.key_bytes, "bytes of keys")
    }

    fn check_limit(&self, count: usize, limit: usize, of: &str) -> Result<(), DeliveryError> {
        if count > limit { Err(self.limit_error(&format!("{limit} {of}"))) } else { Ok(()) }
    }

    fn limit_error(&self, limit: &str) -> DeliveryError {
        let what = format!("the listing of `{}` exceeds the limit of {limit}", self.prefix);
        DeliveryError::LimitExceeded { what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_listings_end_with_the_limit_that_they_exceed() {
        let limits = ListingLimits { pages: 5, objects: 8, kept: 3, ..ListingLimits::default() };
        let object = |n: usize| ListedObject {
            key: format!("k{n}"),
            bytes: 1,
            modified: domesday_model::Instant::from_micros(0),
            etag: None,
        };
        let page = |n: usize, objects: usize| Page {
            objects: (0..objects).map(object).collect(),
            next: Some(format!("t{n}")),
            date: None,
        };
        let run = |pages: &[Page], elapsed: u64| {
            let mut progress = ListingProgress::new(limits, "p/v1/");
            for page in pages {
                progress.add_page(page, Duration::from_secs(elapsed))?;
                page.objects.iter().try_for_each(|object| progress.add_kept(object))?;
            }
            Ok::<_, DeliveryError>(())
        };
        assert!(run(&[page(1, 1), page(2, 1)], 0).is_ok());
        for (pages, elapsed, told) in [
            ((0..9).map(|n| page(n, 0)).collect::<Vec<_>>(), 0, "5 pages"),
            (vec![page(1, 9)], 0, "8 objects"),
            (vec![page(1, 4)], 0, "3 objects to compare"),
            (vec![page(1, 0), page(2, 0), page(1, 0)], 0, "`t1` leads back"),
            (vec![page(1, 0)], 901, "15 min"),
        ] {
            let error = run(&pages, elapsed).unwrap_err();
            assert_eq!(error.kind(), "limit-exceeded");
            assert!(error.to_string().contains(told) && error.to_string().contains("p/v1/"), "{error}");
        }
    }
}
