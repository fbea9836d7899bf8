//! A directory at work: files are spooled inside it, made durable, then renamed into place.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use domesday_model::Instant;

use crate::{
    DeliveryError, Destination, ListedObject, Listing, Receipt, Spool, SpooledFile, StoredObject,
    SummaryReader,
};

/// A directory as a destination.
#[derive(Debug)]
pub(super) struct LocalDirectory {
    root: PathBuf,
    /// The topmost directory that [`LocalDirectory::open`] created, to be removed when nothing is delivered.
    made: Option<PathBuf>,
}

impl LocalDirectory {
    /// Opens a directory as a destination, and creates it when it does not exist.
    ///
    /// # Errors
    /// When the path is a file, or the directory cannot be created.
    pub(super) fn open(root: &Path) -> Result<Self, DeliveryError> {
        let mut made = None;
        let mut missing = Some(root);
        while let Some(path) = missing.filter(|path| !path.as_os_str().is_empty() && !path.exists()) {
            made = Some(path.to_owned());
            missing = path.parent();
        }
        if let Some(existing) = missing.filter(|path| path.exists() && !path.is_dir()) {
            return Err(DeliveryError::NotADirectory { path: existing.to_owned() });
        }
        fs::create_dir_all(root).map_err(|source| DeliveryError::from_io(root, source))?;
        Ok(Self { root: root.to_owned(), made })
    }

    /// Opens a directory to be read; it must exist.
    ///
    /// # Errors
    /// When it does not exist.
    pub(super) fn open_existing(root: &Path) -> Result<Self, DeliveryError> {
        fs::read_dir(root).map_err(|source| DeliveryError::from_io(root, source))?;
        Ok(Self { root: root.to_owned(), made: None })
    }

    /// Creates a spool inside the directory, on the same file system, so that delivering is renaming.
    ///
    /// # Errors
    /// When no file can be created in the directory.
    pub(super) fn spool(&self) -> Result<Spool, DeliveryError> {
        Spool::create_in(&self.root)
    }

    /// Prepares the delivery of a file: creates its directory and makes the file durable. A lack of space or permissions
    /// is found here, before any file is replaced.
    fn prepare(&self, file: &SpooledFile) -> Result<(), DeliveryError> {
        let target = self.root.join(&file.key);
        let parent = target.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).map_err(|source| DeliveryError::from_io(parent, source))?;
        if target.is_dir() {
            let source = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(DeliveryError::from_io(target, source));
        }
        // Renaming takes the permission to write the directory, which its existence does not prove.
        tempfile::tempfile_in(parent).map_err(|source| DeliveryError::from_io(parent, source))?;
        let synced = File::open(&file.path).and_then(|file| file.sync_all());
        synced.map_err(|source| DeliveryError::from_io(parent, source))
    }

    /// Puts one file under its key, and replaces an earlier one atomically.
    fn put(&mut self, file: &SpooledFile) -> Result<(), DeliveryError> {
        let target = self.root.join(&file.key);
        let failed = |source| DeliveryError::from_io(&target, source);
        fs::rename(&file.path, &target).map_err(failed)?;
        // A rename is durable once its directory is.
        #[cfg(unix)]
        if let Some(parent) = target.parent() {
            File::open(parent).and_then(|dir| dir.sync_all()).map_err(failed)?;
        }
        self.made = None;
        Ok(())
    }

    /// Adds the files below a directory whose key is `prefix` to a listing.
    fn list_folder(&self, prefix: &str, objects: &mut Vec<ListedObject>) -> Result<(), DeliveryError> {
        let dir = self.root.join(prefix);
        let failed = |source| DeliveryError::from_io(&dir, source);
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(failed(source)),
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let Some(name) = entry.file_name().to_str().map(|name| format!("{prefix}{name}")) else {
                continue;
            };
            let about = entry.metadata().map_err(failed)?;
            if about.is_dir() {
                self.list_folder(&format!("{name}/"), objects)?;
            } else {
                let since = about.modified().map_err(failed)?.duration_since(UNIX_EPOCH).unwrap_or_default();
                let modified = Instant::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
                let etag = Some(etag(&about));
                objects.push(ListedObject { key: name, bytes: about.len(), modified, etag });
            }
        }
        Ok(())
    }
}

impl Destination for LocalDirectory {
    fn list_where(&self, prefix: &str, is_wanted: &dyn Fn(&str) -> bool) -> Result<Listing, DeliveryError> {
        let mut objects = Vec::new();
        let dir = prefix.rfind('/').map_or("", |slash| &prefix[..=slash]);
        self.list_folder(dir, &mut objects)?;
        objects.retain(|object| object.key.starts_with(prefix) && is_wanted(&object.key));
        objects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(Listing { objects, server_time: None, time_resolution_micros: 1 })
    }

    fn deliver(
        &mut self,
        waves: &[Vec<SpooledFile>],
        progress: &mut dyn FnMut(usize),
    ) -> Result<Receipt, DeliveryError> {
        waves.iter().flatten().try_for_each(|file| self.prepare(file))?;
        let mut receipt = Receipt::default();
        for file in waves.iter().flatten() {
            self.put(file)?;
            receipt.files += 1;
            receipt.bytes += file.bytes;
            progress(receipt.files);
        }
        if let Some(last) = waves.iter().flatten().last() {
            receipt.last_etag = fs::metadata(self.root.join(&last.key)).ok().as_ref().map(etag);
        }
        Ok(receipt)
    }
}

impl SummaryReader for LocalDirectory {
    /// Lists everything below the directory. Symbolic links are listed as what they are and never followed, so that
    /// nothing outside of the directory is read.
    fn objects(&self) -> Result<Vec<StoredObject>, DeliveryError> {
        let mut found = Vec::new();
        let mut open = vec![(self.root.clone(), String::new())];
        while let Some((dir, prefix)) = open.pop() {
            let failed = |source| DeliveryError::from_io(&dir, source);
            for entry in fs::read_dir(&dir).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let name = entry.file_name();
                let key = format!("{prefix}{}", name.to_string_lossy());
                // Of the entry itself, also when it is a link.
                let about = match fs::symlink_metadata(entry.path()) {
                    Ok(about) => about,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(source) => return Err(failed(source)),
                };
                let kind = about.file_type();
                if kind.is_dir() {
                    open.push((entry.path(), format!("{key}/")));
                    continue;
                }
                let why_unreadable = match () {
                    () if kind.is_symlink() => Some("a symbolic link"),
                    () if !kind.is_file() => Some("no regular file"),
                    () if name.to_str().is_none() => Some("a file whose name is not Unicode text"),
                    () => None,
                };
                found.push(StoredObject { key, bytes: about.len(), why_unreadable });
            }
        }
        Ok(found)
    }

    fn read(&self, key: &str, into: &mut dyn Write) -> Result<bool, DeliveryError> {
        let path = self.root.join(key);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(DeliveryError::from_io(path, source)),
        };
        io::copy(&mut file, into).map_err(|source| DeliveryError::from_io(path, source))?;
        Ok(true)
    }
}

/// Returns an entity tag: the time when a file was written, and its size.
fn etag(about: &fs::Metadata) -> String {
    let since = about.modified().ok().and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
    format!("{}-{}", since.unwrap_or_default().as_nanos(), about.len())
}

impl Drop for LocalDirectory {
    /// Removes the directories that were created for a delivery that did not take place, if they are empty.
    fn drop(&mut self) {
        if let Some(made) = &self.made {
            remove_empty(made);
        }
    }
}

/// Removes a directory if it contains only empty directories.
fn remove_empty(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_empty(&entry.path());
        }
    }
    // Fails on a directory that is not empty, as intended.
    let _ = fs::remove_dir(dir);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spooled(spool: &Spool, key: &str, content: &str) -> SpooledFile {
        spool.create(key).unwrap().write_all(content.as_bytes()).unwrap();
        spool.complete(key, content.len() as u64, domesday_tables::sha256(content.as_bytes()))
    }

    #[test]
    fn delivers_whole_files_and_leaves_no_spool() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("deep/out");
        let mut destination = LocalDirectory::open(&root).unwrap();
        let spool = destination.spool().unwrap();
        let file = spooled(&spool, "v1/t/part-00000.parquet", "rows");
        let receipt = destination.deliver(&[vec![file]], &mut |_| {}).unwrap();
        assert_eq!((receipt.files, receipt.bytes), (1, 4));
        assert_eq!(fs::read_to_string(root.join("v1/t/part-00000.parquet")).unwrap(), "rows");
        let listing = destination.list("v1/").unwrap();
        assert_eq!(listing.objects.len(), 1);
        assert_eq!(listing.object("v1/t/part-00000.parquet").map(|object| object.bytes), Some(4));
        assert!(destination.list("v2/").unwrap().objects.is_empty());
        drop(spool);
        assert_eq!(fs::read_dir(&root).unwrap().count(), 1, "only v1 is left");
    }

    #[test]
    fn a_delivery_that_never_came_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let destination = LocalDirectory::open(&dir.path().join("a/b/out")).unwrap();
        let spool = destination.spool().unwrap();
        let file = spooled(&spool, "v1/t/part-00000.parquet", "rows");
        destination.prepare(&file).unwrap();
        drop(spool);
        drop(destination);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_is_no_destination() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("out");
        fs::write(&file, "mine").unwrap();
        for path in [file.clone(), file.join("below")] {
            let error = LocalDirectory::open(&path).unwrap_err();
            assert!(matches!(error, DeliveryError::NotADirectory { .. }), "{error}");
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    }
}
