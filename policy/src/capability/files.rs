//! The families of files: `sftp-read|write|list|delete|rename|mkdir: PATTERN`, `rsync-read|write: PATTERN`, `git-read|write: PATTERN`, and
//! what each thing asked of files needs.
//!
//! Every path here is canonical: the target itself has said where it leads, and that is where it is used. A request
//! needs one or several things ([`FileRequest::needs`]), and each of them needs a line. The table, which the choke
//! point reads as it reads that of shells and commands:
//!
//! | asked | needs |
//! |---|---|
//! | open for reading | `sftp-read` of the file |
//! | open for writing, creating, truncating; attributes | `sftp-write` of the file |
//! | list a directory | `sftp-list` of the directory, or of everything in it (`/d/*`, `/d/**`) |
//! | remove a file, a link, a directory | `sftp-delete` |
//! | make a directory | `sftp-mkdir` |
//! | rename | `sftp-rename` of both ends; of a link also what making it there needs |
//! | make a link of either kind | `sftp-write` where it stands, `sftp-read` and `sftp-write` of what it points at |
//! | copy on the target | `sftp-read` of the one, `sftp-write` of the other |
//! | attributes, where a link points, a canonical path, room on the disk | any line that names it, or something below it |
//! | names of users and groups | any `sftp-list` |
//! | rsync from a file, to a file that is there | `rsync-read`, `rsync-write` of the file |
//! | rsync from a directory, to one or to what is not there yet | the same of everything below it: `/srv/www/**` gives `/srv/www` |
//! | git from or to a repository | `git-read`, `git-write` of its directory |
//!
//! What rsync does below a path nobody is asked about file by file, so its line must name all that can be there; and whoever may write
//! all of a tree may as well remove it.
//!
//! Attributes come with every line, and of the directories on the way too, because stock clients do not work otherwise:
//! `sftp get` and `scp` look before they open, `sftp put` and `cd` look whether the directory is one, `sshfs` and WinSCP
//! look at every directory from the root down, and after each upload at what they wrote. What it tells (that a directory
//! on the way exists, its owner, its dates) the line itself tells nearly all of.
//!
//! A link lends its own place to what it points at, for every program of the target that follows it: the gateway judges
//! where a link ends, a web server does not. So whoever makes one must have both rights where it points.

pub mod glob;
pub mod path;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::glob::PathGlob;
pub use self::path::{LONGEST_PATH, PathError, TargetPath, shown_bytes};

/// What a line of files allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FileRight {
    /// To read what files hold.
    Read,
    /// To write files, create and truncate them, set their attributes.
    Write,
    /// To list directories.
    List,
    /// To remove files and directories.
    Delete,
    /// To rename, from here and to here.
    Rename,
    /// To make directories.
    Mkdir,
    /// To read by rsync.
    RsyncRead,
    /// To write, and remove, by rsync.
    RsyncWrite,
    /// To fetch from a repository by git.
    GitRead,
    /// To push to one.
    GitWrite,
}

/// By which protocol a right is used: a line gives nothing by another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// The subsystem `sftp`, and `scp` of old.
    Sftp,
    /// An exec of `rsync --server`.
    Rsync,
    /// An exec of git's servers.
    Git,
}

/// One line of files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileLine {
    right: FileRight,
    paths: PathGlob,
}

/// One thing that needs a line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FileNeed {
    /// This right on this path.
    Right(FileRight, TargetPath),
    /// This right on this path and on everything that is or may come to be below it.
    Tree(FileRight, TargetPath),
    /// To see what is at this path, without its contents.
    Look(TargetPath),
    /// The names of users and groups.
    Names,
}

/// One thing that is asked of files, by canonical paths.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileRequest {
    /// To open a file.
    Open {
        /// Where.
        path: TargetPath,
        /// What is opened can be read.
        reads: bool,
        /// What is opened can be written; it is created or truncated.
        writes: bool,
    },
    /// To list a directory.
    List(TargetPath),
    /// To see attributes, or where a link points.
    Look(TargetPath),
    /// To hear what a path is called canonically.
    Locate {
        /// Where it leads.
        path: TargetPath,
        /// It is where the account starts, which every client asks first and a session tells anyway.
        home: bool,
    },
    /// To set attributes.
    SetAttributes(TargetPath),
    /// To remove a file or a link.
    Remove(TargetPath),
    /// To remove a directory.
    RemoveDirectory(TargetPath),
    /// To make a directory.
    MakeDirectory(TargetPath),
    /// To rename.
    Rename {
        /// From.
        from: TargetPath,
        /// To.
        to: TargetPath,
        /// Where it points from its new place, when it is a link.
        link: Option<TargetPath>,
        /// What stands there is replaced.
        replaces: bool,
    },
    /// To make a symbolic link.
    Symlink {
        /// Where it stands.
        at: TargetPath,
        /// Where it points.
        to: TargetPath,
    },
    /// To give a file a second name.
    Hardlink {
        /// The file.
        of: TargetPath,
        /// The name.
        at: TargetPath,
    },
    /// To copy on the target.
    Copy {
        /// From.
        from: TargetPath,
        /// To.
        to: TargetPath,
    },
    /// The names of users and groups.
    Names,
    /// That a program on the target reads or writes by itself, by one of the rights of its protocol.
    Program {
        /// Which.
        right: FileRight,
        /// Where.
        path: TargetPath,
        /// Everything below it too.
        below: bool,
    },
}

impl FileRight {
    /// Every right.
    pub const ALL: [Self; 10] = [
        Self::Read,
        Self::Write,
        Self::List,
        Self::Delete,
        Self::Rename,
        Self::Mkdir,
        Self::RsyncRead,
        Self::RsyncWrite,
        Self::GitRead,
        Self::GitWrite,
    ];

    /// The right that a document calls so.
    #[must_use]
    pub fn of_family(family: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.family() == family)
    }

    /// What a document calls it.
    #[must_use]
    pub const fn family(self) -> &'static str {
        match self {
            Self::Read => "sftp-read",
            Self::Write => "sftp-write",
            Self::List => "sftp-list",
            Self::Delete => "sftp-delete",
            Self::Rename => "sftp-rename",
            Self::Mkdir => "sftp-mkdir",
            Self::RsyncRead => "rsync-read",
            Self::RsyncWrite => "rsync-write",
            Self::GitRead => "git-read",
            Self::GitWrite => "git-write",
        }
    }

    /// By which protocol it is used.
    #[must_use]
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::Read | Self::Write | Self::List | Self::Delete | Self::Rename | Self::Mkdir => {
                Protocol::Sftp
            }
            Self::RsyncRead | Self::RsyncWrite => Protocol::Rsync,
            Self::GitRead | Self::GitWrite => Protocol::Git,
        }
    }
}

impl FileLine {
    /// A line of this right on these paths.
    #[must_use]
    pub const fn new(right: FileRight, paths: PathGlob) -> Self {
        Self { right, paths }
    }

    /// Parses the pattern of a line of `family`; none where that is no family of files.
    ///
    /// # Errors
    /// The family, and what does not hold of the pattern and what to write.
    pub fn parse(family: &str, pattern: &str) -> Option<Result<Self, (&'static str, String)>> {
        let right = FileRight::of_family(family)?;
        let read = PathGlob::parse(pattern).map(|paths| Self { right, paths });
        Some(read.map_err(|problem| (right.family(), problem)))
    }

    /// What a document calls its right.
    #[must_use]
    pub const fn family(&self) -> &'static str {
        self.right.family()
    }

    /// By which protocol it is used.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        self.right.protocol()
    }

    /// Whether it lets what is written or moved end anywhere at all: into the keys, the jobs and the start-up files by which
    /// an account runs commands. It is `command: *` by another way, and wants who answers for it and an end.
    #[must_use]
    pub fn writes_anywhere(&self) -> bool {
        match self.right {
            // A push runs the hooks of the repository, and so whatever one that is found there runs.
            FileRight::Write | FileRight::Rename | FileRight::RsyncWrite | FileRight::GitWrite => {
                self.paths.begins_anywhere()
            }
            FileRight::Read
            | FileRight::List
            | FileRight::Delete
            | FileRight::Mkdir
            | FileRight::RsyncRead
            | FileRight::GitRead => false,
        }
    }

    /// Whether everything that `other` allows is allowed by this one. Errs on the side of no.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        self.right == other.right && self.paths.includes(&other.paths)
    }

    /// What both allow; `None` when that is nothing, or cannot be told.
    #[must_use]
    pub fn common(&self, other: &Self) -> Option<Self> {
        let paths = (self.right == other.right).then(|| self.paths.common(&other.paths))?;
        paths.map(|paths| Self::new(self.right, paths))
    }

    /// Whether something may need both: errs on the side of yes.
    pub(crate) fn may_meet(&self, other: &Self) -> bool {
        self.right == other.right && self.paths.may_meet(&other.paths)
    }

    /// Whether `other` may move what this one names: errs on the side of yes.
    pub(crate) fn may_be_moved_by(&self, other: &Self) -> bool {
        other.right == FileRight::Rename && self.paths.may_meet(&other.paths)
    }

    /// Whether `need` moves what this line names, whatever its right: a path of it, or a directory on the way there.
    pub(crate) fn is_moved_by(&self, need: &FileNeed) -> bool {
        matches!(need, FileNeed::Right(FileRight::Rename, path)
            if self.paths.matches(path) || self.paths.leads_through(path))
    }

    /// Whether `need` touches what this line names, if only a part of it: errs on the side of yes.
    pub(crate) fn is_touched_by(&self, need: &FileNeed) -> bool {
        match need {
            FileNeed::Right(..) => self.answers(need),
            FileNeed::Tree(right, path) => {
                *right == self.right
                    && (self.paths.matches(path) || self.paths.may_meet(&PathGlob::below(path)))
            }
            FileNeed::Look(_) | FileNeed::Names => false,
        }
    }

    /// Whether this line alone gives what is needed.
    #[must_use]
    pub fn answers(&self, need: &FileNeed) -> bool {
        match need {
            FileNeed::Right(right, path) if *right == self.right => {
                self.paths.matches(path)
                    || (*right == FileRight::List && self.paths.names_all_in(path))
            }
            FileNeed::Tree(right, path) if *right == self.right => {
                self.paths.includes(&PathGlob::below(path))
            }
            FileNeed::Right(_, _) | FileNeed::Tree(_, _) => false,
            FileNeed::Look(path) => {
                self.protocol() == Protocol::Sftp
                    && (self.paths.matches(path) || self.paths.leads_through(path))
            }
            FileNeed::Names => self.right == FileRight::List,
        }
    }
}

impl fmt::Display for FileLine {
    /// As it is written in a document.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.family(), self.paths)
    }
}

impl FileRequest {
    /// Everything that it needs; each needs a line. Empty for what every session tells.
    #[must_use]
    pub fn needs(&self) -> Vec<FileNeed> {
        use FileNeed::{Look, Names, Right};
        use FileRight::{Delete, List, Mkdir, Read, Rename, Write};
        let points = |at: &TargetPath, to: &TargetPath| {
            vec![
                Right(Write, at.clone()),
                Right(Read, to.clone()),
                Right(Write, to.clone()),
            ]
        };
        match self {
            Self::Open {
                path,
                reads,
                writes,
            } => {
                let reading = reads.then(|| Right(Read, path.clone()));
                let writing = writes.then(|| Right(Write, path.clone()));
                reading.into_iter().chain(writing).collect()
            }
            Self::List(path) => vec![Right(List, path.clone())],
            Self::Look(path) | Self::Locate { path, home: false } => vec![Look(path.clone())],
            Self::Locate {
                path: _,
                home: true,
            } => Vec::new(),
            Self::SetAttributes(path) => vec![Right(Write, path.clone())],
            Self::Remove(path) | Self::RemoveDirectory(path) => vec![Right(Delete, path.clone())],
            Self::MakeDirectory(path) => vec![Right(Mkdir, path.clone())],
            Self::Rename {
                from,
                to,
                link,
                replaces: _,
            } => {
                let mut needs = vec![Right(Rename, from.clone()), Right(Rename, to.clone())];
                needs.extend(link.iter().flat_map(|link| points(to, link)));
                needs
            }
            Self::Symlink { at, to } => points(at, to),
            Self::Hardlink { of, at } => points(at, of),
            Self::Copy { from, to } => {
                vec![Right(Read, from.clone()), Right(Write, to.clone())]
            }
            Self::Names => vec![Names],
            Self::Program {
                right,
                path,
                below: false,
            } => vec![Right(*right, path.clone())],
            Self::Program {
                right,
                path,
                below: true,
            } => vec![FileNeed::Tree(*right, path.clone())],
        }
    }

    /// The first thing that none of the lines gives.
    #[must_use]
    pub fn missing<'a>(
        &self,
        lines: impl IntoIterator<Item = &'a FileLine> + Clone,
    ) -> Option<FileNeed> {
        self.needs()
            .into_iter()
            .find(|need| !lines.clone().into_iter().any(|line| line.answers(need)))
    }
}

/// Between lines of which any would do, whatever the reader's language.
pub const EITHER: &str = " | ";

impl FileNeed {
    /// The rights of which any gives it: who looks at a file is about to read it, or to list a directory.
    #[must_use]
    pub fn rights(&self) -> Vec<FileRight> {
        match self {
            Self::Right(right, _) | Self::Tree(right, _) => vec![*right],
            Self::Look(_) => vec![FileRight::Read, FileRight::List],
            Self::Names => vec![FileRight::List],
        }
    }

    /// The line that would give it; where any of several would, all of them, as in `sftp-read: /x | sftp-list: /x`.
    #[must_use]
    pub fn line(&self) -> String {
        let line = |right: FileRight| match self {
            Self::Right(_, path) | Self::Look(path) => {
                FileLine::new(right, PathGlob::exactly(path)).to_string()
            }
            Self::Tree(_, path) => FileLine::new(right, PathGlob::below(path)).to_string(),
            Self::Names => right.family().to_owned(),
        };
        let lines: Vec<String> = self.rights().into_iter().map(line).collect();
        lines.join(EITHER)
    }
}

impl fmt::Display for FileNeed {
    /// For people, on one line, with a stranger's bytes escaped.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Right(right, path) => write!(formatter, "{} of {path}", right.family()),
            Self::Tree(right, path) => {
                write!(formatter, "{} of {path} and all below it", right.family())
            }
            Self::Look(path) => write!(formatter, "a look at {path}"),
            Self::Names => formatter.write_str("the names of users and groups"),
        }
    }
}

#[cfg(test)]
mod tests;
