//! Programs that work with files for a long time over one connection: `sshfs`, which mounts them, and `lftp`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::client::{self, Running};
use ecluse_tests::{Answer, wait};

use super::{ALL, Ground, PATIENCE, noise, said};

/// How long something that looks into a mounted folder may take: a mount that stands still must not keep a test.
const LOOK: Duration = Duration::from_secs(20);

/// `ssh` as alice, as one word: for programs that start it themselves.
fn ssh_of(ground: &Ground) -> Result<PathBuf> {
    let ssh = ground.site.ssh("alice+db01");
    let mut words = ssh.arguments();
    // Where it goes, the program says.
    words.pop();
    let quoted = |word: &OsStr| {
        let word = word.to_string_lossy();
        format!("'{}'", word.replace('\'', "'\\''"))
    };
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    let place = PathBuf::from(ground.at("ssh"));
    fs::write(
        &place,
        format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" ")),
    )?;
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755))?;
    Ok(place)
}

/// A folder of the target, mounted here by `sshfs`; let go of whatever happens.
struct Mounted {
    at: PathBuf,
    sshfs: Running,
}

impl Mounted {
    /// Mounts a folder of the target at `here/mnt`, or says what `sshfs` said instead.
    fn start(ground: &Ground, folder: &str) -> Result<Result<Self, Answer>> {
        ensure!(
            fs::OpenOptions::new()
                .read(true)
                .write(true)
                .open("/dev/fuse")
                .is_ok(),
            "/dev/fuse cannot be used here: this test mounts what sshfs shows, so run it where FUSE is (in a container: --device /dev/fuse --cap-add SYS_ADMIN)"
        );
        let at = PathBuf::from(ground.at("here/mnt"));
        fs::create_dir_all(&at)?;
        let before = device(&at)?;
        let mut sshfs = Command::new("sshfs");
        sshfs
            .envs(ground.site.ssh("alice+db01").variables())
            .args(["-f", "-o", "follow_symlinks", "-o"])
            .arg(format!("ssh_command={}", ssh_of(ground)?.display()))
            .arg(format!("alice+db01@gw:{}", ground.at(folder)))
            .arg(&at);
        let mut running = client::spawn(&mut sshfs, PATIENCE)?;
        let mounted = wait::until("sshfs to mount, or to say why not", PATIENCE, || {
            if running.child.try_wait()?.is_some() {
                return Ok(Some(false));
            }
            // It mounts before it asks the target, and lets go where that says no.
            Ok(device(&at)?
                .filter(|now| Some(now) != before.as_ref())
                .map(|_| true))
        })?;
        Ok(match mounted {
            true => Ok(Self { at, sshfs: running }),
            false => Err(running.answer()?),
        })
    }

    /// What a program says to paths below it.
    fn does(&self, program: &str, words: &[&str]) -> Result<Answer> {
        let mut command = Command::new(program);
        command.current_dir(&self.at).args(words).env("LC_ALL", "C");
        client::run(&mut command, &[], LOOK)
    }

    /// Lets go of it; what `sshfs` said in all.
    fn ends(mut self) -> Result<Answer> {
        let mut unmount = Command::new("fusermount3");
        unmount.arg("-u").arg(&self.at);
        client::run(&mut unmount, &[], LOOK)?.success()?;
        self.sshfs.answer()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Also what stands still: whoever looks into it hears an error then.
        let mut unmount = Command::new("fusermount3");
        unmount.args(["-u", "-z", "-q"]).arg(&self.at);
        let _ = client::run(&mut unmount, &[], LOOK);
        let _ = self.sshfs.child.kill();
        let _ = self.sshfs.child.wait();
    }
}

/// On which file system a folder lies, by a program that may be left behind; none while nobody can say.
fn device(at: &Path) -> Result<Option<String>> {
    let mut stat = Command::new("stat");
    stat.args(["-c", "%d"]).arg(at);
    let said = client::run(&mut stat, &[], LOOK)?;
    Ok((said.status == Some(0)).then(|| said.text()))
}

/// F1, F2: a folder that the matrix lists, mounted by `sshfs`: lists, reads, writes, renames and removes, with the bytes on the target's
/// disk; a link that leads out is refused and nothing hangs. What is not listed does not mount, and says so at once.
#[test]
fn f1_sshfs_mounts_what_the_matrix_lists_and_nothing_else() -> Result<()> {
    let ground = Ground::start(ALL)?;
    let refused = Mounted::start(&ground, "out")?;
    let refused = refused.err().context("what is not listed was mounted")?;
    ensure!(
        refused.status != Some(0) && said(&refused).contains("Permission denied"),
        "{refused:?}"
    );
    let mounted = Mounted::start(&ground, "in")?;
    let mounted = mounted.map_err(|answer| anyhow::anyhow!("sshfs does not mount: {answer:?}"))?;
    let listed = mounted.does("ls", &["-A", "."])?.success()?.text();
    for name in ["dir", "file", "link", "link-dir"] {
        ensure!(listed.lines().any(|line| line == name), "{name}: {listed}");
    }
    let read = mounted.does("cat", &["file"])?.success()?;
    ensure!(read.output == ground.holds("in/file")?);
    let sent = noise(3 << 20);
    fs::write(ground.at("here/sent"), &sent)?;
    mounted
        .does("cp", &[&ground.at("here/sent"), "new"])?
        .success()?;
    ensure!(ground.holds("in/new")? == sent);
    mounted
        .does("sh", &["-c", "printf more >> dir/small"])?
        .success()?;
    ensure!(ground.holds("in/dir/small")? == b"smallmore");
    mounted.does("mkdir", &["-p", "one/two"])?.success()?;
    mounted.does("mv", &["new", "one/two/moved"])?.success()?;
    ensure!(ground.holds("in/one/two/moved")? == sent && !fs::exists(ground.at("in/new"))?);
    mounted.does("rm", &["-r", "one"])?.success()?;
    ensure!(!fs::exists(ground.at("in/one"))?);
    // Links lead out on the target, and are followed there.
    for words in [
        &["cat", "link"][..],
        &["ls", "link-dir/"],
        &["cp", "file", "link-dir/file"],
    ] {
        let (program, words) = words.split_first().context("nothing")?;
        let answer = mounted.does(program, words)?;
        ensure!(
            answer.status != Some(0) && said(&answer).contains("Permission denied"),
            "{program} {words:?}: {answer:?}"
        );
    }
    ensure!(!fs::exists(ground.at("out/file"))?);
    // It goes on behind a refusal.
    ensure!(mounted.does("cat", &["dir/small"])?.success()?.output == b"smallmore");
    let ended = mounted.ends()?;
    ensure!(
        said(&ended).contains("is not part of this intervention"),
        "the words of the refusals: {ended:?}"
    );
    Ok(())
}

/// F1: `lftp` mirrors a tree both ways, and is refused what is not listed.
#[test]
fn f1_lftp_mirrors_both_ways() -> Result<()> {
    let ground = Ground::start(ALL)?;
    fs::create_dir_all(ground.at("here/tree/deep"))?;
    fs::write(ground.at("here/tree/a"), noise(200_000))?;
    fs::write(ground.at("here/tree/deep/b"), "b")?;
    let lftp = |commands: &str| -> Result<Answer> {
        let begin = format!(
            "set cmd:fail-exit yes; set net:max-retries 1; set net:timeout 20; set sftp:auto-confirm no; \
             set sftp:connect-program '{} -a -x'; open -u alice+db01,none sftp://gw; ",
            ssh_of(&ground)?.display()
        );
        let mut lftp = Command::new("lftp");
        lftp.envs(ground.site.ssh("alice+db01").variables())
            .env("HOME", ground.site.layout().root())
            .args(["--norc", "-c"])
            .arg(begin + &commands.replace('@', &ground.root()?.display().to_string()));
        client::run(&mut lftp, &[], PATIENCE)
    };
    lftp("mirror -R @/here/tree @/in/tree; mirror @/in/tree @/here/back; get @/in/file -o @/here/file")?.success()?;
    ensure!(
        ground.holds("in/tree/a")? == noise(200_000) && ground.holds("here/back/deep/b")? == b"b"
    );
    ensure!(ground.holds("here/file")? == ground.holds("in/file")?);
    let refused = lftp("get @/out/secret -o @/here/secret")?;
    ensure!(
        refused.status != Some(0) && !fs::exists(ground.at("here/secret"))?,
        "{refused:?}"
    );
    ensure!(said(&refused).contains("Access failed"), "{refused:?}");
    Ok(())
}
