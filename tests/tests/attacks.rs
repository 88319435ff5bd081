//! An administrator who owns the machine: what they change in the store, the files, the log and the clock is seen by
//! whoever kept yesterday's checkpoint (R2, R3). Each attack is made with stock programs on a stopped gateway.

mod doors;
mod sessions;
mod tables;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, recording};

/// A site with two sealed sessions; the checkpoint that somebody kept stands between them.
struct Crime {
    site: Site,
    checkpoint: PathBuf,
}

impl Crime {
    fn scene() -> Result<Self> {
        let site = Site::start_with(|plan| {
            plan.movable_clock = true;
            Ok(())
        })?;
        site.approved("alice", "db01")?;
        let checkpoint = site.layout().root().join("yesterday.checkpoint");
        let mut scene = Self { site, checkpoint };
        scene.session("before the checkpoint", 1)?;
        // A checkpoint is made when the gateway stops, at the latest.
        scene.site.close()?;
        let note = scene.site.gateway().run(["journal", "checkpoint"], "")?;
        fs::write(&scene.checkpoint, note)?;
        scene.site.open()?;
        scene.session("after the checkpoint", 2)?;
        scene.site.close()?;
        let innocent = scene.verdict()?;
        ensure!(
            innocent.status.code() == Some(0),
            "nothing was done, and it is told: {}",
            said(&innocent)
        );
        Ok(scene)
    }

    fn session(&self, word: &str, count: usize) -> Result<()> {
        self.site
            .ssh("alice+db01")
            .run(format!("echo {word}"))
            .answer()?
            .success()?;
        recording::wait_for_casts(&self.site.layout().recordings(), count)?;
        Ok(())
    }

    /// Gives alice the second factor of her file in the place of the one she has, at the gateway's time, of which the code is.
    fn enrolls_alice_anew(&self, code: &str) -> Result<()> {
        let file = self.site.layout().secret("alice").display().to_string();
        let line = ["enroll", "alice", "--replace", "--secret-file", &file];
        let mut enrolling = self
            .site
            .gateway()
            .command(line)
            .envs(self.site.clock().environment()?)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let mut input = enrolling.stdin.take().context("no input")?;
        writeln!(input, "{code}")?;
        drop(input);
        ensure!(enrolling.wait()?.success());
        Ok(())
    }

    fn verdict(&self) -> Result<Output> {
        let checkpoint = self.checkpoint.display().to_string();
        self.site.gateway().try_run(
            ["journal", "verify", "--contents", "--since", &checkpoint],
            "",
        )
    }

    /// The attack was seen, for what it is.
    fn is_told(&self, code: i32, words: &[&str]) -> Result<()> {
        let told = self.verdict()?;
        let text = said(&told);
        ensure!(
            told.status.code() == Some(code),
            "it ended with {} and not {code}:\n{text}",
            told.status
        );
        for word in words {
            ensure!(text.contains(word), "{word:?} is not said in:\n{text}");
        }
        Ok(())
    }

    fn database(&self) -> PathBuf {
        self.site.layout().data().join("ecluse.db")
    }

    /// One more session, whose checkpoint is kept; then the database as it was before, and no recording of it.
    fn put_back(&mut self, word: &str) -> Result<()> {
        let old = self.site.layout().root().join("old.db");
        copy(&self.database(), &old)?;
        self.site.open()?;
        self.session(word, 3)?;
        self.site.close()?;
        let note = self.site.gateway().run(["journal", "checkpoint"], "")?;
        fs::write(&self.checkpoint, note)?;
        copy(&old, &self.database())?;
        Ok(fs::remove_dir_all(self.recording(true)?)?)
    }

    /// SQL with all that protects the journal from mistakes taken away first.
    fn sql(&self, text: &str) -> Result<()> {
        const SCRIPT: &str = "import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for (name,) in db.execute(\"select name from sqlite_master where type = 'trigger'\").fetchall():
    db.execute('drop trigger ' + name)
db.executescript(sys.argv[2])
db.commit()
db.execute('pragma wal_checkpoint(truncate)')
db.close()";
        let done = Command::new("python3")
            .args(["-c", SCRIPT])
            .arg(self.database())
            .arg(text)
            .output()?;
        ensure!(done.status.success(), "{}", said(&done));
        Ok(())
    }

    /// The directory of the newest or the oldest recording.
    fn recording(&self, newest: bool) -> Result<PathBuf> {
        let manifests = recording::files(&self.site.layout().recordings(), &|path| {
            path.ends_with("manifest.json")
        })?;
        let manifest = if newest {
            manifests.last()
        } else {
            manifests.first()
        };
        let dir = manifest.and_then(|manifest| manifest.parent());
        Ok(dir.context("no recording")?.to_owned())
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn flip(file: &Path, at: usize) -> Result<()> {
    let mut bytes = fs::read(file)?;
    *bytes.get_mut(at).context("a short file")? ^= 1;
    Ok(fs::write(file, bytes)?)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status()?;
    ensure!(done.success(), "cp failed");
    Ok(())
}

/// The trail that people read is another one than what was hashed.
#[test]
fn a_changed_record_is_told() -> Result<()> {
    let crime = Crime::scene()?;
    crime.sql("update audit set person = 'bruno' where kind = 'session-start'")?;
    crime.is_told(4, &["altered"])
}

/// Both the trail and the hashed words, consistently, but for the tree.
#[test]
fn a_changed_entry_is_told() -> Result<()> {
    let crime = Crime::scene()?;
    crime.sql(
        "update audit set person = 'bruno' where kind = 'session-start';
         update journal set entry = replace(entry, '\"person\":\"alice\"', '\"person\":\"bruno\"') where entry like '%session-start%'",
    )?;
    crime.is_told(4, &["altered"])
}

#[test]
fn a_removed_entry_is_told() -> Result<()> {
    let crime = Crime::scene()?;
    crime.sql(
        "delete from audit where seq = (select min(seq) from audit where kind = 'session-start');
         delete from journal where seq not in (select seq from audit)",
    )?;
    crime.is_told(5, &["missing"])
}

/// Words taken away as if they had been destroyed on record.
#[test]
fn words_taken_away_are_told() -> Result<()> {
    let crime = Crime::scene()?;
    crime.sql("update journal set entry = null where entry like '%session-start%'")?;
    crime.is_told(4, &["altered"])
}

/// The end cut off, with everything that spoke of it: the store alone looks whole. The kept checkpoint says otherwise.
#[test]
fn a_journal_cut_off_before_the_kept_checkpoint_is_told() -> Result<()> {
    let crime = Crime::scene()?;
    crime.sql(
        "create temp table last as select max(seq) as seq from audit where kind = 'session-start' and seq < (select max(seq) from audit where kind = 'session-start');
         delete from audit where seq >= (select seq from last);
         delete from journal where seq >= (select seq from last);
         delete from checkpoints where size >= (select seq from last);
         delete from journal_nodes where (idx + 1) << level >= (select seq from last);
         update counters set value = (select max(seq) from audit) where name = 'audit'",
    )?;
    let told = crime.verdict()?;
    ensure!(
        told.status.code().is_some_and(|code| code >= 4)
            && said(&told).contains("yesterday.checkpoint"),
        "{}",
        said(&told)
    );
    Ok(())
}

/// Yesterday's database, put back: the newest session never was.
#[test]
fn a_database_put_back_is_told() -> Result<()> {
    let mut crime = Crime::scene()?;
    crime.put_back("to be forgotten")?;
    crime.is_told(5, &["yesterday.checkpoint", "it was rolled back"])
}

/// Another history, grown and signed by the gateway itself from the old database on: a fork.
#[test]
fn another_history_signed_by_the_gateway_itself_is_told() -> Result<()> {
    let mut crime = Crime::scene()?;
    crime.put_back("to be replaced")?;
    crime.site.open()?;
    for count in 3..6 {
        crime.session("a better story", count)?;
    }
    crime.site.close()?;
    crime.is_told(
        4,
        &[
            "yesterday.checkpoint",
            "it was rewritten, or this is a fork of it",
        ],
    )
}

#[test]
fn a_changed_recording_is_told() -> Result<()> {
    let crime = Crime::scene()?;
    let dir = crime.recording(false)?;
    let casts = recording::sealed(&dir, ".cast")?;
    flip(casts.first().context("no cast")?, 300)?;
    crime.is_told(4, &["altered"])
}

/// A manifest made anew and signed with the gateway's own key is not the one on record.
#[test]
fn another_manifest_is_told() -> Result<()> {
    let crime = Crime::scene()?;
    let (first, second) = (crime.recording(false)?, crime.recording(true)?);
    for name in ["manifest.json", "manifest.json.sig"] {
        fs::copy(second.join(name), first.join(name))?;
    }
    crime.is_told(4, &["altered"])
}

#[test]
fn a_removed_recording_is_told() -> Result<()> {
    let crime = Crime::scene()?;
    fs::remove_dir_all(crime.recording(false)?)?;
    crime.is_told(5, &["missing"])
}

/// What somebody put on the shelf is in no journal.
#[test]
fn a_planted_recording_is_told() -> Result<()> {
    let crime = Crime::scene()?;
    let dir = crime.recording(false)?;
    copy(
        &dir,
        &dir.with_file_name("00000000-0000-7000-8000-000000000000"),
    )?;
    crime.is_told(7, &["not in the log"])
}

/// R6: a clock that was turned is on record, and the entries keep their order.
#[test]
fn a_turned_clock_is_on_record() -> Result<()> {
    let mut crime = Crime::scene()?;
    crime.site.open()?;
    crime.site.clock().advance(7200)?;
    ecluse_tests::wait::until_true(
        "the jump on record",
        std::time::Duration::from_secs(60),
        || {
            let script = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(\"select count(*) from journal where entry like '%clock-jump%'\").fetchone()[0])";
            let asked = Command::new("python3")
                .args(["-c", script])
                .arg(crime.database())
                .output()?;
            Ok(String::from_utf8_lossy(&asked.stdout).trim() != "0")
        },
    )?;
    crime.site.close()?;
    crime.is_told(0, &["intact"])
}
