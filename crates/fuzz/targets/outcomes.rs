//! libFuzzer's way to [`domesday_fuzz::outcomes`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| domesday_fuzz::outcomes(data));
