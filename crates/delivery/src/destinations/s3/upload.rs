//! Puts the files of one wave, several at a time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::client::Client;
use crate::{DeliveryError, Receipt, RetryPolicy, SpooledFile};

/// Puts every file of a wave. The first error that is not transient stops the others after their current file.
pub(super) fn put_wave(
    client: &Client,
    retry_policy: RetryPolicy,
    parallel: usize,
    files: &[SpooledFile],
    receipt: &mut Receipt,
    progress: &mut dyn FnMut(usize),
) -> Result<(), DeliveryError> {
    let parallel = client.call_context().network.parallel(parallel).clamp(1, files.len().max(1));
    if parallel == 1 {
        return one_by_one(client, retry_policy, files, receipt, progress);
    }
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (done, finished) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..parallel {
            let (next, stop, done) = (&next, &stop, done.clone());
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                    let mut retries = 0;
                    let put = put(client, retry_policy, file, &mut retries);
                    stop.fetch_or(put.is_err(), Ordering::Relaxed);
                    if done.send((put.map(|etag| (file.bytes, etag)), retries)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(done);
        let mut failure = None;
        for (put, retries) in finished {
            receipt.retries += retries;
            match put {
                Ok((bytes, etag)) => count(receipt, bytes, etag, progress),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(()), Err)
    })
}

/// Puts every file of a wave on this thread.
fn one_by_one(
    client: &Client,
    retry_policy: RetryPolicy,
    files: &[SpooledFile],
    receipt: &mut Receipt,
    progress: &mut dyn FnMut(usize),
) -> Result<(), DeliveryError> {
    for file in files {
        let etag = put(client, retry_policy, file, &mut receipt.retries)?;
        count(receipt, file.bytes, etag, progress);
    }
    Ok(())
}

/// Puts a file, with retries.
fn put(
    client: &Client,
    retry_policy: RetryPolicy,
    file: &SpooledFile,
    retries: &mut usize,
) -> Result<Option<String>, DeliveryError> {
    let call = format!("put {}", client.settings.full_key(&file.key));
    retry_policy.retry(client.call_context(), &call, retries, || client.put_file(file))
}

/// Counts a file that is in place.
fn count(receipt: &mut Receipt, bytes: u64, etag: Option<String>, progress: &mut dyn FnMut(usize)) {
    receipt.files += 1;
    receipt.bytes += bytes;
    receipt.last_etag = etag;
    progress(receipt.files);
}
