//! Two directories, links between them, and every request there is.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::all_below;
use super::packets::*;
use super::real::{Realpath, Session};

pub(super) const SECRET: &[u8] = b"SECRET-outside";

/// `in/` is what the lines name, `out/` is not. Links lead from each to the other.
pub(super) struct Ground {
    pub(super) _folder: TempDir,
    pub(super) root: PathBuf,
}

impl Ground {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let make = |name: &str| fs::create_dir_all(root.join(name)).unwrap();
        let file = |name: &str, data: &[u8]| fs::write(root.join(name), data).unwrap();
        let link = |to: &str, at: &str| symlink(to, root.join(at)).unwrap();
        make("in/dir/deep");
        make("in/empty");
        make("out/dir/deep");
        make("out/empty");
        file("in/file", b"inside");
        file("in/dir/file", b"inside");
        file("in/dir/deep/file", b"inside");
        file("out/file", SECRET);
        file("out/dir/file", SECRET);
        file("out/dir/deep/file", SECRET);
        link("../out/file", "in/to-file");
        link("../out/dir", "in/to-dir");
        link("../out/new", "in/to-nothing");
        link("..", "in/up");
        link("/", "in/root");
        link("file", "in/own");
        link("dir", "in/own-dir");
        link("made", "in/own-nothing");
        link("../in/dir", "out/back");
        link("loop", "in/loop");
        Self {
            _folder: folder,
            root,
        }
    }

    pub(super) fn session(&self, allowed: bool, server: Realpath) -> Session {
        let inside = self.root.join("in");
        let lines = match allowed {
            true => all_below(inside.to_str().unwrap()),
            false => Vec::new(),
        };
        Session::start(&inside, lines, server)
    }

    pub(super) fn at(&self, path: &str) -> Vec<u8> {
        match path.strip_prefix("@") {
            Some(rest) => [self.root.as_os_str().as_bytes(), rest.as_bytes()].concat(),
            None => path.as_bytes().to_vec(),
        }
    }

    /// Everything about everything outside: names, kinds, modes, owners, times, contents.
    pub(super) fn outside(&self) -> BTreeMap<PathBuf, (u32, u64, i64, i64, Vec<u8>)> {
        let mut found = BTreeMap::new();
        walk(&self.root.join("out"), &mut found);
        found
    }
}

pub(super) fn walk(at: &Path, found: &mut BTreeMap<PathBuf, (u32, u64, i64, i64, Vec<u8>)>) {
    let meta = fs::symlink_metadata(at).unwrap();
    let held = match () {
        () if meta.is_symlink() => fs::read_link(at).unwrap().as_os_str().as_bytes().to_vec(),
        () if meta.is_file() => fs::read(at).unwrap(),
        () => Vec::new(),
    };
    let all = (
        meta.mode(),
        meta.nlink(),
        meta.mtime_nsec(),
        meta.ctime_nsec(),
        held,
    );
    found.insert(at.to_owned(), all);
    if meta.is_dir() {
        for entry in fs::read_dir(at).unwrap() {
            walk(&entry.unwrap().path(), found);
        }
    }
}

/// Requests on one path, by name. The path is a file, a directory or a name that is free, as the request needs it.
pub(super) fn on_path(name: &str, path: &[u8]) -> Vec<u8> {
    match name {
        "read" => open(1, path, 1),
        "write" => open(1, path, 2),
        "create" => open(1, path, 0x1a),
        "create new" => open(1, path, 0x2a),
        "append" => open(1, path, 0x0e),
        "truncate by reading" => open(1, path, 0x11),
        "create by reading" => open(1, path, 0x09),
        "no flags" => open(1, path, 0),
        "list" => one(11, 1, path),
        "stat" => one(17, 1, path),
        "lstat" => one(7, 1, path),
        "readlink" => one(19, 1, path),
        "realpath" => one(16, 1, path),
        "expand" => extended(1, "expand-path@openssh.com", &[&s(path)]),
        "statvfs" => extended(1, "statvfs@openssh.com", &[&s(path)]),
        "chmod" => mode(9, 1, path, 0o777),
        "truncate" => packet(9, &[&n(1), &s(path), &n(1), &q(0)]),
        "lchmod" => extended(1, "lsetstat@openssh.com", &[&s(path), &n(8), &n(1), &n(1)]),
        "remove" => one(13, 1, path),
        "rmdir" => one(15, 1, path),
        "mkdir" => mode(14, 1, path, 0o755),
        other => panic!("{other}"),
    }
}

pub(super) const FILE: &[&str] = &[
    "read",
    "write",
    "create",
    "create new",
    "append",
    "truncate by reading",
    "create by reading",
    "no flags",
    "stat",
    "lstat",
    "realpath",
    "expand",
    "statvfs",
    "chmod",
    "truncate",
    "lchmod",
    "remove",
];

pub(super) const DIRECTORY: &[&str] = &[
    "list", "stat", "lstat", "realpath", "expand", "statvfs", "chmod", "rmdir",
];

pub(super) const NEW: &[&str] = &[
    "create",
    "create new",
    "append",
    "create by reading",
    "mkdir",
];

/// What acts on a link itself.
pub(super) fn keeps_link(name: &str) -> bool {
    matches!(
        name,
        "lstat" | "readlink" | "lchmod" | "remove" | "rmdir" | "mkdir" | "create new"
    )
}
