//! The conformance suite on memory, on this machine's files and on one folder of them.

use sealift::model::FilePath;
use sealift::vfs::memory::MemoryOptions;
use sealift::vfs::{Capabilities, FileSystem, LocalFileSystem, MemoryFileSystem, RootedFileSystem};

use crate::conformance::{self, Flags};

async fn try_all(place: &dyn FileSystem, scratch: &FilePath) {
    for (name, behaviour) in conformance::all() {
        println!("{name}");
        conformance::run(place, scratch, Flags::default(), name, behaviour).await;
    }
}

#[tokio::test]
async fn memory_conforms() {
    try_all(&MemoryFileSystem::new(), &FilePath::root()).await;
}

#[tokio::test]
async fn memory_without_any_capability_conforms() {
    let options = MemoryOptions { capabilities: Capabilities::default(), batch: 7, chunk: 1000, ..MemoryOptions::default() };
    try_all(&MemoryFileSystem::with_options(options), &FilePath::root()).await;
}

#[tokio::test]
async fn local_files_conform() {
    let folder = tempfile::tempdir().unwrap();
    try_all(&LocalFileSystem::new(), &LocalFileSystem::path(folder.path()).unwrap()).await;
}

#[tokio::test]
async fn a_folder_that_is_served_conforms() {
    let folder = tempfile::tempdir().unwrap();
    try_all(&RootedFileSystem::new(folder.path()).unwrap(), &FilePath::root()).await;
}
