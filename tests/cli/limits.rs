//! `--jobs` and `--limit`: how many files move at once, and how fast.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use sealift::model::{Entry, FilePath};
use sealift::server::ftp::{FtpOptions, FtpServer};
use sealift::server::sftp::{SftpOptions, SftpServer};
use sealift::server::{HostKey, ServerIdentity};
use sealift::trust::Fingerprint;
use sealift::vfs::{
    Capabilities, Create, FileSystem, FsError, FsErrorKind, FsResult, MemoryFileSystem, NewMetadata, Replace, Sink, Source,
};
use tokio::sync::{mpsc, watch};

use crate::scene::{Scene, anywhere, fingerprint_of, users};

/// Files being written now, and the most there were.
type Gauge = Arc<watch::Sender<(usize, usize)>>;

/// A tree that counts the files being written, and lets none go on before so many were written at once.
struct Counting {
    tree: MemoryFileSystem,
    gauge: Gauge,
    needed: usize,
}

struct CountedSink {
    sink: Box<dyn Sink>,
    path: FilePath,
    gauge: Gauge,
    needed: usize,
}

impl Drop for CountedSink {
    fn drop(&mut self) {
        self.gauge.send_modify(|(now, _)| *now -= 1);
    }
}

#[async_trait]
impl Sink for CountedSink {
    async fn write(&mut self, chunk: Bytes) -> FsResult<()> {
        let mut gauge = self.gauge.subscribe();
        let met = tokio::time::timeout(Duration::from_secs(60), gauge.wait_for(|(_, most)| *most >= self.needed)).await.is_ok();
        if !met {
            return Err(FsError::new(FsErrorKind::Refused, "write", &self.path, "too few files are written at once"));
        }
        self.sink.write(chunk).await
    }

    async fn commit(mut self: Box<Self>) -> FsResult<u64> {
        // Slow, so that others would come meanwhile if they were let.
        tokio::time::sleep(Duration::from_millis(50)).await;
        std::mem::replace(&mut self.sink, Box::new(Nothing)).commit().await
    }

    async fn abort(self: Box<Self>) {}
}

/// What is left of a sink that was committed.
struct Nothing;

#[async_trait]
impl Sink for Nothing {
    async fn write(&mut self, _: Bytes) -> FsResult<()> {
        Ok(())
    }

    async fn commit(self: Box<Self>) -> FsResult<u64> {
        Ok(0)
    }

    async fn abort(self: Box<Self>) {}
}

#[async_trait]
impl FileSystem for Counting {
    fn capabilities(&self) -> Capabilities {
        self.tree.capabilities()
    }

    async fn list(&self, dir: &FilePath, batches: mpsc::Sender<Vec<Entry>>) -> FsResult<()> {
        self.tree.list(dir, batches).await
    }

    async fn stat(&self, path: &FilePath) -> FsResult<Entry> {
        self.tree.stat(path).await
    }

    async fn open(&self, path: &FilePath, from: u64) -> FsResult<Box<dyn Source>> {
        self.tree.open(path, from).await
    }

    async fn create(&self, path: &FilePath, how: Create) -> FsResult<Box<dyn Sink>> {
        let sink = self.tree.create(path, how).await?;
        self.gauge.send_modify(|(now, most)| {
            *now += 1;
            *most = (*most).max(*now);
        });
        Ok(Box::new(CountedSink { sink, path: path.clone(), gauge: self.gauge.clone(), needed: self.needed }))
    }

    async fn make_dir(&self, path: &FilePath) -> FsResult<()> {
        self.tree.make_dir(path).await
    }

    async fn remove_file(&self, path: &FilePath) -> FsResult<()> {
        self.tree.remove_file(path).await
    }

    async fn remove_dir(&self, path: &FilePath) -> FsResult<()> {
        self.tree.remove_dir(path).await
    }

    async fn rename(&self, from: &FilePath, to: &FilePath, replace: Replace) -> FsResult<()> {
        self.tree.rename(from, to, replace).await
    }

    async fn set_metadata(&self, path: &FilePath, metadata: NewMetadata) -> FsResult<()> {
        self.tree.set_metadata(path, metadata).await
    }
}

/// Both servers anew, over one tree that counts.
fn count(scene: &mut Scene, needed: usize) -> (MemoryFileSystem, Gauge) {
    let tree = MemoryFileSystem::new();
    let gauge = Gauge::default();
    let root = Arc::new(Counting { tree: tree.clone(), gauge: gauge.clone(), needed });
    let (identity, key) = (ServerIdentity::for_this_machine().unwrap(), HostKey::throwaway().unwrap());
    (scene.ftps_print, scene.sftp_print) = (Fingerprint::of(identity.leaf()), fingerprint_of(&key));
    let ftp = FtpOptions::new(root.clone(), users(), Some(identity), anywhere());
    let ssh = SftpOptions::new(root, users(), key, anywhere());
    let started = scene.runtime.block_on(async { (FtpServer::start(ftp).await.unwrap(), SftpServer::start(ssh).await.unwrap()) });
    (scene.ftps, scene.sftp) = (Some(started.0), Some(started.1));
    (tree, gauge)
}

#[test]
fn so_many_files_are_written_at_once_and_no_more() {
    let mut scene = Scene::new();
    for file in 0..8 {
        scene.put(&format!("out/{file}.csv"), b"content");
    }
    for most in [1, 2] {
        let (tree, gauge) = count(&mut scene, most);
        for (name, url) in [("ftps", scene.ftps("/ftps")), ("sftp", scene.sftp("/sftp"))] {
            gauge.send_replace((0, 0));
            scene.sealift(&["copy", "--jobs", &most.to_string(), "out", &url]).exits(0);
            assert_eq!(*gauge.borrow(), (0, most), "{name}");
            assert_eq!(tree.paths().iter().filter(|path| path.starts_with(&format!("/{name}/"))).count(), 9);
        }
    }
}

#[test]
fn no_more_bytes_than_the_limit_move_in_a_second() {
    let scene = Scene::new();
    for file in 0..3 {
        scene.put(&format!("out/{file}.csv"), &[b'x'; 1000]);
        scene.ftps_tree.put(&crate::scene::path(&format!("/three/{file}.csv")), &[b'x'; 1000]).unwrap();
    }
    let copies = [
        ["out".to_owned(), scene.ftps("/up")],
        ["out".to_owned(), scene.sftp("/up")],
        [scene.ftps("/three"), "down".to_owned()],
        ["out".to_owned(), "here".to_owned()],
    ];
    std::thread::scope(|threads| {
        for [from, to] in &copies {
            let scene = &scene;
            threads.spawn(move || {
                let started = Instant::now();
                scene.sealift(&["copy", "--limit", "1000", from, to]).exits(0);
                let took = started.elapsed();
                // The first piece goes at once, and so does a tenth of a second's worth.
                assert!(took >= Duration::from_millis(1900), "{took:?} from {from} to {to}");
            });
        }
    });
    assert_eq!(scene.read("down/2.csv").len() + scene.read("here/2.csv").len(), 2000);
}
