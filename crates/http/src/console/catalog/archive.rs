//! Files out of zip archives, bounded in number and in size whatever an archive says of itself.

use std::io::Read;

use flate2::read::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive};

use crate::console::upload::file_name;

/// How many files are read from archives.
const MAX_FILES: usize = 5_000;

/// How many entries an archive may have.
const MAX_ENTRIES: u64 = 50_000;

/// A file: its name, and its content.
pub(in crate::console) type File = (String, Vec<u8>);

/// Whether a file is a zip archive, by how it begins and by its name.
fn is_archive((name, bytes): &File) -> bool {
    bytes.starts_with(b"PK\x03\x04")
        || bytes.starts_with(b"PK\x05\x06")
        || name.to_lowercase().ends_with(".zip")
}

/// Replaces archives by the files in them. `most` is how many bytes all files may have together.
///
/// # Errors
/// When an archive is broken or too large, as a sentence.
pub(super) fn unpack(files: &[File], most: usize) -> Result<Vec<File>, String> {
    let mut unpacked = Unpacked { files: Vec::new(), left: most, most };
    for file in files {
        if is_archive(file) {
            unpacked.archive(&file.0, &file.1)?;
        } else {
            unpacked.add(file.0.clone(), file.1.clone())?;
        }
    }
    Ok(unpacked.files)
}

struct Unpacked {
    files: Vec<File>,
    /// How many bytes may still come.
    left: usize,
    most: usize,
}

impl Unpacked {
    fn add(&mut self, name: String, bytes: Vec<u8>) -> Result<(), String> {
        if self.files.len() >= MAX_FILES {
            return Err(format!("There are more than {MAX_FILES} files. Put several objects into one file."));
        }
        self.left = self.left.checked_sub(bytes.len()).ok_or_else(|| self.too_large())?;
        self.files.push((name, bytes));
        Ok(())
    }

    fn too_large(&self) -> String {
        format!("The files have more than {} MiB together. Load them with domesday apply.", self.most >> 20)
    }

    fn archive(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let broken = |error: rawzip::Error| format!("{name} is not a zip archive that can be read: {error}.");
        let archive = ZipArchive::from_slice(bytes).map_err(broken)?;
        if archive.entries_hint() > MAX_ENTRIES {
            return Err(format!("{name} has more than {MAX_ENTRIES} entries."));
        }
        let mut entries = archive.entries();
        while let Some(entry) = entries.next_entry().map_err(broken)? {
            let path = String::from_utf8_lossy(entry.file_path().as_bytes()).replace('\\', "/");
            let path = file_name(&path);
            // What some systems add for themselves.
            if entry.is_dir() || path.starts_with("__MACOSX/") {
                continue;
            }
            let method = entry.compression_method();
            let content = archive.get_entry(entry.wayfinder()).map_err(broken)?;
            // One byte more than is left shows that there is more, however much that would be.
            let most = self.left as u64 + 1;
            let mut read = Vec::new();
            let done = match method {
                CompressionMethod::STORE => {
                    content.verifying_reader(content.data()).take(most).read_to_end(&mut read)
                }
                CompressionMethod::DEFLATE => content
                    .verifying_reader(DeflateDecoder::new(content.data()))
                    .take(most)
                    .read_to_end(&mut read),
                _ => return Err(format!("{path} in {name} is compressed in a way that is not supported.")),
            };
            if read.len() > self.left {
                return Err(self.too_large());
            }
            done.map_err(|error| format!("{path} in {name} cannot be read: {error}."))?;
            self.add(path, read)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use rawzip::ZipArchiveWriter;

    use super::*;

    fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut output = Vec::new();
        let mut archive = ZipArchiveWriter::new(&mut output);
        for (name, bytes) in files {
            let (mut entry, config) =
                archive.new_file(name).compression_method(CompressionMethod::DEFLATE).start().unwrap();
            let encoder = DeflateEncoder::new(&mut entry, Compression::default());
            let mut writer = config.wrap(encoder);
            writer.write_all(bytes).unwrap();
            let (encoder, descriptor) = writer.finish().unwrap();
            encoder.finish().unwrap();
            entry.finish(descriptor).unwrap();
        }
        archive.finish().unwrap();
        output
    }

    #[test]
    fn archives_are_unpacked_and_other_files_kept() {
        let archive = zip(&[("acme/users.yaml", b"users: []"), ("__MACOSX/acme/._users.yaml", b"x")]);
        let files = [("a.zip".to_owned(), archive), ("b.yaml".to_owned(), b"tags: []".to_vec())];
        let expected = [("acme/users.yaml".to_owned(), b"users: []".to_vec()), files[1].clone()];
        assert_eq!(unpack(&files, 1000).unwrap(), expected);
    }

    #[test]
    fn what_expands_too_much_is_refused_without_being_expanded() {
        let archive = zip(&[("zeros.yaml", &vec![0; 10 << 20])]);
        assert!(archive.len() < 100 << 10);
        let error = unpack(&[("a.zip".to_owned(), archive)], 1 << 20).unwrap_err();
        assert!(error.contains("more than 1 MiB"), "{error}");
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        let whole = zip(&[("a.yaml", b"users: []")]);
        for broken in [b"".to_vec(), b"PK\x03\x04".to_vec(), whole[..whole.len() - 8].to_vec(), vec![0; 100]]
        {
            assert!(unpack(&[("a.zip".to_owned(), broken)], 1000).is_err());
        }
        let mut changed = whole;
        changed[38] ^= 0xff;
        assert!(unpack(&[("a.zip".to_owned(), changed)], 1000).is_err());
    }
}
