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
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (done, finished) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..parallel.clamp(1, files.len().max(1)) {
            let (next, stop, done) = (&next, &stop, done.clone());
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                    let mut retries = 0;
                    let call = format!("put {}", client.settings.full_key(&file.key));
                    let supervision = client.supervision();
                    let put = retry_policy.retry(supervision, &call, &mut retries, || client.put_file(file));
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
                Ok((bytes, etag)) => {
                    receipt.files += 1;
                    receipt.bytes += bytes;
                    receipt.last_etag = etag;
                    progress(receipt.files);
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(()), Err)
    })
}
