//! The hours that are searched: what a technician who looks after a hospital's systems reads and types, made up.
//!
//! Every hour is the same for the same number. Its lines are of the kinds that such an hour shows: statements of a database, requests of
//! a web server, messages of devices, log-ons, listings, notes in plain words; with hundreds of names and addresses and many
//! more numbers in each, because an index that only knew few words would be quick for no merit of its own.

use std::fmt::Write as _;
use std::ops::Range;

use super::dice::Dice;
use super::words::{COLUMNS, TABLES, WORDS};

/// Commands typed in an hour: one in half a minute.
pub(crate) const COMMANDS: usize = 120;
/// What these show. **Unit**: bytes, before the terminal makes them longer.
const SHOWN: usize = 2_000_000;
/// Different surnames and addresses that an hour shows.
const PEOPLE: usize = 500;
const MACHINES: usize = 200;
/// Hours that hold [`SOME`], of as many as there are.
const SOME_HOURS: usize = 20;

/// A surname that stands in one hour.
pub(crate) const SURNAME: &str = "Quéméneur";
/// A number of a change, that stands in one hour.
pub(crate) const CHANGE: &str = "CHG-73145-QX";
/// An address that stands in one hour, among many like it.
pub(crate) const ADDRESS: &str = "10.201.7.94";
/// A word that stands in some hours.
pub(crate) const SOME: &str = "tramadol";
/// A word that stands in every hour, often.
pub(crate) const EVERYWHERE: &str = "duration";
/// A word that stands in no hour.
pub(crate) const NOWHERE: &str = "xylophone";
/// A command that was typed in one hour.
pub(crate) const COMMAND: &str = "pg_restore --clean";
/// Two words of every hour that stand in one line of one hour only.
pub(crate) const PAIR: [&str; 2] = ["logind", "statement"];

/// One hour.
pub(crate) struct Hour {
    pub(crate) number: usize,
    /// What the target's file of that hour holds.
    pub(crate) text: String,
    /// What is typed, in order.
    pub(crate) commands: Vec<String>,
}

/// The file on the target that an hour reads.
pub(crate) fn file(number: usize) -> String {
    format!("journal-{number:04}.log")
}

/// Who works in an hour: every third is bruno's.
pub(crate) fn person(number: usize) -> &'static str {
    if number % 3 == 2 { "bruno" } else { "alice" }
}

/// Which of so many hours hold [`SOME`].
pub(crate) fn some(hours: usize) -> impl Iterator<Item = usize> {
    let count = SOME_HOURS.min(hours);
    (0..count).map(move |turn| turn * hours / count.max(1))
}

impl Hour {
    /// The hour `number` of `hours`.
    pub(crate) fn new(number: usize, hours: usize) -> Self {
        let mut dice = Dice::new(number);
        let mut writer = Writer {
            people: (0..PEOPLE).map(|_| dice.surname()).collect(),
            machines: (0..MACHINES).map(|_| dice.address()).collect(),
            dice,
            text: String::with_capacity(SHOWN + 1024),
            second: 0,
        };
        let mut planted = planted(number, hours);
        let mut lines = 0;
        while writer.text.len() < SHOWN {
            writer.line();
            lines += 1;
            if writer.text.len() >= SHOWN / 2 {
                for line in planted.drain(..) {
                    let _ = writeln!(writer.text, "{line}");
                    lines += 1;
                }
            }
        }
        let mut commands: Vec<String> = (0..COMMANDS)
            .map(|turn| {
                read(
                    turn,
                    &file(number),
                    turn * lines / COMMANDS..(turn + 1) * lines / COMMANDS,
                )
            })
            .collect();
        if number == hours / 3 {
            commands.insert(COMMANDS / 2, format!("echo {COMMAND} wards.dump"));
        }
        Self {
            number,
            text: writer.text,
            commands,
        }
    }
}

/// One of the ways to show some lines of a file.
fn read(turn: usize, file: &str, lines: Range<usize>) -> String {
    let (first, last, count) = (lines.start + 1, lines.end, lines.len());
    match turn % 4 {
        0 => format!("sed -n '{first},{last}p' {file}"),
        1 => format!("tail -n +{first} {file} | head -n {count}"),
        2 => format!("awk 'NR>={first} && NR<={last}' {file}"),
        _ => format!("head -n {last} {file} | tail -n {count}"),
    }
}

/// The lines that only this hour holds, or it and few others.
fn planted(number: usize, hours: usize) -> Vec<String> {
    let mut lines = Vec::new();
    // Apart from each other, and in the middle, so that neither the first nor the last recording holds everything.
    if number == hours / 2 {
        lines.push(format!(
            "NOTE transfert de {SURNAME} vers la cardiologie, dossier rouvert"
        ));
    }
    if number == hours * 2 / 5 {
        lines.push(format!(
            "NOTE {CHANGE} approved, window until six in the morning"
        ));
    }
    if number == hours * 3 / 5 {
        lines.push(format!(
            "sshd[2210]: Accepted publickey for backup from {ADDRESS} port 50122"
        ));
    }
    if number == hours * 7 / 10 {
        let [one, other] = PAIR;
        lines.push(format!(
            "NOTE systemd-{one} was asked why the {other} took so long"
        ));
    }
    if some(hours).any(|hour| hour == number) {
        lines.push(format!("NOTE pharmacie: stock de {SOME} corrigé à la main"));
    }
    lines
}

/// Writes lines as they come from the machines of a hospital.
struct Writer {
    people: Vec<String>,
    machines: Vec<String>,
    dice: Dice,
    text: String,
    second: usize,
}

impl Writer {
    fn line(&mut self) {
        let kind = self.dice.below(12);
        if self.dice.below(8) == 0 {
            self.second += 1;
        }
        let Self {
            people,
            machines,
            dice,
            text,
            second,
        } = self;
        let clock = format!(
            "{:02}:{:02}:{:02}",
            8 + *second / 3600 % 10,
            *second / 60 % 60,
            *second % 60
        );
        // Writing into a string does not fail.
        let _ = match kind {
            0..=3 => writeln!(
                text,
                "2026-11-26 {clock}.{:03} CET [{}] hopital@{} LOG:  {EVERYWHERE}: {}.{:03} ms  statement: SELECT {} FROM {} WHERE {} = '{}' AND patient = {}",
                dice.below(1000),
                dice.below(32_768),
                dice.of(&TABLES),
                dice.below(900),
                dice.below(1000),
                dice.of(&COLUMNS),
                dice.of(&TABLES),
                dice.of(&COLUMNS),
                dice.of(people),
                dice.below(10_000_000)
            ),
            4..=6 => writeln!(
                text,
                "{} - {} [26/Nov/2026:{clock} +0100] \"{} /api/{}/{} HTTP/1.1\" {} {} \"-\" \"{}\"",
                dice.of(machines),
                dice.of(people).to_lowercase(),
                dice.of(&["GET", "GET", "POST", "PUT"]),
                dice.of(&TABLES),
                dice.below(1_000_000),
                dice.of(&["200", "200", "200", "201", "304", "404", "500"]),
                dice.below(90_000),
                dice.of(&[
                    "Mozilla/5.0 (X11; Linux x86_64)",
                    "curl/7.88.1",
                    "Orthanc/1.12",
                    "python-requests/2.31"
                ])
            ),
            7 => writeln!(
                text,
                "PID|1||{:07}^^^HOPITAL^PI||{}^{}||{}{:02}{:02}|{}|||{} RUE {}^^BREST^^29200",
                dice.below(10_000_000),
                dice.of(people).to_uppercase(),
                dice.of(people).to_uppercase(),
                1930 + dice.below(80),
                1 + dice.below(12),
                1 + dice.below(28),
                dice.of(&["F", "M"]),
                dice.below(200),
                dice.of(people).to_uppercase()
            ),
            8 => writeln!(
                text,
                "Nov 26 {clock} db01 sshd[{}]: Accepted publickey for {} from {} port {} ssh2: ED25519 SHA256:{:016x}{:016x}",
                dice.below(32_768),
                dice.of(people).to_lowercase(),
                dice.of(machines),
                dice.below(65_536),
                dice.next(),
                dice.next()
            ),
            9 => writeln!(
                text,
                "Nov 26 {clock} db01 systemd-logind[{}]: {} of {} {:08x}-{:04x}-{:04x}: {} {}",
                dice.below(32_768),
                dice.of(&[
                    "New session",
                    "Removed session",
                    "Session idle",
                    "Lid opened"
                ]),
                dice.of(people).to_lowercase(),
                dice.below(1 << 32),
                dice.below(1 << 16),
                dice.below(1 << 16),
                dice.of(&WORDS),
                dice.of(&WORDS)
            ),
            10 => writeln!(
                text,
                "-rw-r----- {} {} {} {:9} Nov {:2} {} {}-{}.{}",
                1 + dice.below(3),
                dice.of(people).to_lowercase(),
                dice.of(&TABLES),
                dice.below(900_000_000),
                1 + dice.below(30),
                clock.get(..5).unwrap_or_default(),
                dice.of(&WORDS),
                dice.below(100_000),
                dice.of(&["dcm", "csv", "xml", "pdf", "dump", "log.gz"])
            ),
            _ => {
                let words: Vec<&str> = (0..8 + dice.below(9)).map(|_| dice.of(&WORDS)).collect();
                writeln!(
                    text,
                    "NOTE {} {}: {}",
                    dice.of(people),
                    clock,
                    words.join(" ")
                )
            }
        };
    }
}
