//! What the process holds in memory stays there: no core dump, no debugger of the same user, no swap unknown to anyone.
//!
//! Keys and the content of sessions pass through memory in clear. For a client that keeps its recordings to itself (C4)
//! nothing of them may rest on this machine in clear, so whoever runs it is told when swap could write them down.

pub(crate) mod caps;

use std::fs;
use std::path::{Path, PathBuf};

use ecluse_policy::{ClientId, Documents};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Forbids core dumps and debuggers for this process. Told where the system refuses; serving goes on.
pub(crate) fn keep_to_itself() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core dumps cannot be forbidden: run with LimitCORE=0");
    }
    // Beside the limit: a core pattern that is a pipe ignores it.
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "debuggers of the same user cannot be forbidden");
    }
}

/// Warns where a client keeps its recordings to itself and swap could write the gateway's memory to a disk.
pub(crate) fn warn_of_swap(documents: &Documents) {
    let clients = keeping_to_themselves(documents);
    if let Some(client) = clients.first()
        && let Swap::Possible(areas) = swap_of(Path::new("/"))
    {
        tracing::warn!(
            clients = clients.len(),
            first = %client,
            swap = areas.join(", "),
            "swap could write down what a client keeps to itself: run under config/ecluse.service (MemorySwapMax=0), or turn swap off or encrypt it with a key of each boot"
        );
    }
}

/// The clients whose recordings the gateway itself cannot read.
fn keeping_to_themselves(documents: &Documents) -> Vec<&ClientId> {
    documents
        .clients()
        .values()
        .filter(|client| !client.recordings.gateway)
        .map(|client| &client.id)
        .collect()
}

/// Whether this process's memory can be swapped out.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Swap {
    /// There is none, or not for this process.
    Never,
    /// To these areas.
    Possible(Vec<String>),
}

/// What the system under `root` (`/`) says of swap for this process.
fn swap_of(root: &Path) -> Swap {
    let read = |path: &str| fs::read_to_string(root.join(path));
    let Ok(areas) = read("proc/swaps") else {
        // Hidden by a sandbox: whoever set that up may have set the limit too.
        return match limited(root) {
            true => Swap::Never,
            false => Swap::Possible(vec!["unknown: /proc/swaps does not read".to_owned()]),
        };
    };
    let areas: Vec<String> = areas
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .map(ecluse_recordings::neutralise)
        .collect();
    if areas.is_empty() || limited(root) {
        Swap::Never
    } else {
        Swap::Possible(areas)
    }
}

/// Whether the control group of this process, or one that it is in, may not swap (control groups, version 2).
fn limited(root: &Path) -> bool {
    let Ok(groups) = fs::read_to_string(root.join("proc/self/cgroup")) else {
        return false;
    };
    let Some(path) = groups.lines().find_map(|line| line.strip_prefix("0::/")) else {
        return false;
    };
    let top = root.join("sys/fs/cgroup");
    let group: PathBuf = top.join(path);
    group
        .ancestors()
        .take_while(|group| group.starts_with(&top))
        .any(|group| {
            fs::read_to_string(group.join("memory.swap.max")).is_ok_and(|limit| limit.trim() == "0")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

    /// A system with these swaps, this process's group, and limits of groups.
    fn system(swaps: &str, cgroup: &str, limits: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let write = |path: String, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("proc/swaps".into(), &format!("{HEAD}{swaps}"));
        write("proc/self/cgroup".into(), cgroup);
        for (group, limit) in limits {
            write(format!("sys/fs/cgroup/{group}/memory.swap.max"), limit);
        }
        root
    }

    const DISK: &str = "/dev/sda2 partition 2097148 0 -2\n";
    const SERVICE: &str = "0::/system.slice/ecluse.service\n";

    #[test]
    fn without_swap_or_with_a_limit_of_zero_nothing_is_written_down() {
        for root in [
            system("", SERVICE, &[]),
            system(DISK, SERVICE, &[("system.slice/ecluse.service", "0\n")]),
            system(
                DISK,
                SERVICE,
                &[
                    ("system.slice", "0\n"),
                    ("system.slice/ecluse.service", "max\n"),
                ],
            ),
        ] {
            assert_eq!(swap_of(root.path()), Swap::Never);
        }
    }

    #[test]
    fn swap_without_a_limit_is_told_by_its_areas() {
        for root in [
            system(DISK, SERVICE, &[("system.slice/ecluse.service", "max\n")]),
            system(DISK, SERVICE, &[("other", "0\n")]),
            system(DISK, "4:memory:/ecluse\n", &[]),
            system(DISK, "", &[]),
        ] {
            assert_eq!(
                swap_of(root.path()),
                Swap::Possible(vec!["/dev/sda2".to_owned()])
            );
        }
    }

    #[test]
    fn swap_that_cannot_be_known_is_possible() {
        let root = tempfile::tempdir().unwrap();
        assert!(matches!(swap_of(root.path()), Swap::Possible(_)));
    }

    #[test]
    fn this_process_gives_no_core_dump() {
        keep_to_itself();
        let limit = rustix::process::getrlimit(Resource::Core);
        assert_eq!(limit.maximum, Some(0));
        assert_eq!(
            rustix::process::dumpable_behavior().unwrap(),
            DumpableBehavior::NotDumpable
        );
    }
}
