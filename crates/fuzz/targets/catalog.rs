//! libFuzzer's way to [`domesday_fuzz::catalog`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| domesday_fuzz::catalog(data));
