//! A local directory: files are spooled inside it, made durable, then renamed into place.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::DeliveryError;

/// A directory that summaries are delivered into.
#[derive(Debug)]
pub struct LocalDirectory {
    root: PathBuf,
    /// The topmost directory that [`LocalDirectory::open`] made, to be taken back when nothing arrives.
    made: Option<PathBuf>,
}

/// A place beside the destination where a summary is written before any of it is delivered. Removed with all
/// it still holds when dropped.
#[derive(Debug)]
pub struct Spool {
    dir: TempDir,
}

/// A complete file of a spool, on its way to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpooledFile {
    /// Where it goes, with `/` between parts.
    pub key: String,
    /// Where it is.
    pub path: PathBuf,
}

impl LocalDirectory {
    /// Opens a directory as a destination, making it when it does not exist.
    ///
    /// # Errors
    /// When the path is a file or cannot be made a directory.
    pub fn open(root: &Path) -> Result<Self, DeliveryError> {
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

    /// The directory as a name that stays the same from run to run.
    #[must_use]
    pub fn name(&self) -> String {
        let path = self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
        format!("file://{}", path.display())
    }

    /// A new spool inside the directory, on the same file system, so that delivering is renaming.
    ///
    /// # Errors
    /// When the directory takes no files.
    pub fn spool(&self) -> Result<Spool, DeliveryError> {
        let dir = tempfile::Builder::new().prefix(".domesday-").tempdir_in(&self.root);
        Ok(Spool { dir: dir.map_err(|source| DeliveryError::from_io(&self.root, source))? })
    }

    /// The keys under a prefix ending in `/`, in order.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self, prefix: &str) -> Result<Vec<String>, DeliveryError> {
        let dir = self.root.join(prefix);
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(DeliveryError::from_io(dir, source)),
        };
        let mut keys = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|source| DeliveryError::from_io(&dir, source))?;
            if let Some(name) = entry.file_name().to_str() {
                keys.push(format!("{prefix}{name}"));
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// Readies the destination for these files: every directory they need is there and every file is on disk.
    /// What can fail for want of room or rights fails here, before any file is replaced.
    ///
    /// # Errors
    /// When a directory cannot be made or a file not written out.
    pub fn prepare(&self, files: &[SpooledFile]) -> Result<(), DeliveryError> {
        for file in files {
            let target = self.root.join(&file.key);
            let parent = target.parent().unwrap_or(&self.root);
            fs::create_dir_all(parent).map_err(|source| DeliveryError::from_io(parent, source))?;
            if target.is_dir() {
                let source = io::Error::from(io::ErrorKind::IsADirectory);
                return Err(DeliveryError::from_io(target, source));
            }
            // Renaming asks for the right to write the directory, which making it or its age does not prove.
            tempfile::tempfile_in(parent).map_err(|source| DeliveryError::from_io(parent, source))?;
            let synced = File::open(&file.path).and_then(|file| file.sync_all());
            synced.map_err(|source| DeliveryError::from_io(parent, source))?;
        }
        Ok(())
    }

    /// Puts one file under its key, replacing what was there at one instant.
    ///
    /// # Errors
    /// When the file cannot be renamed into place.
    pub fn put(&mut self, file: &SpooledFile) -> Result<(), DeliveryError> {
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
}

impl Drop for LocalDirectory {
    /// Takes back directories made for a summary that never came; nothing but empty ones.
    fn drop(&mut self) {
        if let Some(made) = &self.made {
            remove_empty(made);
        }
    }
}

/// Removes a directory if it holds nothing but empty directories.
fn remove_empty(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_empty(&entry.path());
        }
    }
    // Fails on a directory that holds anything, which is what is wanted.
    let _ = fs::remove_dir(dir);
}

impl Spool {
    /// A new file for a key.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(&self, key: &str) -> io::Result<(File, SpooledFile)> {
        let path = self.dir.path().join(key.replace('/', "__"));
        let file = File::create(&path)?;
        Ok((file, SpooledFile { key: key.to_owned(), path }))
    }

    /// Where the spool is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn spooled(spool: &Spool, key: &str, content: &str) -> SpooledFile {
        let (mut file, spooled) = spool.create(key).unwrap();
        file.write_all(content.as_bytes()).unwrap();
        spooled
    }

    #[test]
    fn delivers_whole_files_and_leaves_no_spool() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("deep/out");
        let mut destination = LocalDirectory::open(&root).unwrap();
        let spool = destination.spool().unwrap();
        let file = spooled(&spool, "v1/t/part-00000.parquet", "rows");
        destination.prepare(std::slice::from_ref(&file)).unwrap();
        destination.put(&file).unwrap();
        assert_eq!(fs::read_to_string(root.join("v1/t/part-00000.parquet")).unwrap(), "rows");
        assert_eq!(destination.list("v1/t/").unwrap(), ["v1/t/part-00000.parquet"]);
        drop(spool);
        assert_eq!(fs::read_dir(&root).unwrap().count(), 1, "only v1 is left");
    }

    #[test]
    fn a_delivery_that_never_came_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let destination = LocalDirectory::open(&dir.path().join("a/b/out")).unwrap();
        let spool = destination.spool().unwrap();
        let file = spooled(&spool, "v1/t/part-00000.parquet", "rows");
        destination.prepare(&[file]).unwrap();
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
