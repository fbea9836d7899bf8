//! The files of a plan, carried in its form to where it is applied: no replica has to remember them.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::archive::File;

/// Packs files, whose contents are valid UTF-8.
pub(in crate::console) fn pack(files: &[File]) -> String {
    let files: Vec<_> = files.iter().map(|(name, bytes)| (name, String::from_utf8_lossy(bytes))).collect();
    let text = serde_json::to_vec(&files).expect("names and texts are plain data");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let packed = encoder.write_all(&text).and_then(|()| encoder.finish());
    STANDARD.encode(packed.expect("writing into memory does not fail"))
}

/// Unpacks files; none when the text is not one that was packed. `most` bounds their size.
pub(in crate::console) fn unpack(text: &str, most: usize) -> Option<Vec<File>> {
    let packed = STANDARD.decode(text).ok()?;
    let mut json = Vec::new();
    // Escapes make a text at most six times as long.
    let most = (most as u64).saturating_mul(6);
    GzDecoder::new(&*packed).take(most).read_to_end(&mut json).ok()?;
    let files: Vec<(String, String)> = serde_json::from_slice(&json).ok()?;
    Some(files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_unpacked_as_they_were_packed() {
        let files = vec![("a/ü.yaml".to_owned(), "users: [\"\u{202e}\"]".as_bytes().to_vec())];
        assert_eq!(unpack(&pack(&files), 1000), Some(files));
        for broken in ["", "AAAA", "!", "H4sIAAAAAAAA"] {
            assert_eq!(unpack(broken, 1000), None);
        }
        let large = vec![("a".to_owned(), vec![b' '; 100_000])];
        assert_eq!(unpack(&pack(&large), 1000), None, "cut off");
    }
}
