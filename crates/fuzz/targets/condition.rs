//! libFuzzer's way to [`domesday_fuzz::condition`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| domesday_fuzz::condition(data));
