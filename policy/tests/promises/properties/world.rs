//! Random sites and what is asked of them, as data.

use ecluse_policy::*;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::site::*;

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) flows: Vec<Line>,
    pub(super) groups: Vec<&'static str>,
    pub(super) stations: Vec<&'static str>,
    pub(super) networks: Vec<&'static str>,
    pub(super) operators: Vec<&'static str>,
    pub(super) db_accounts: Vec<&'static str>,
    pub(super) web_accounts: Vec<&'static str>,
}

#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) technicians: Vec<&'static str>,
    pub(super) targets: Vec<&'static str>,
    pub(super) accounts: Vec<&'static str>,
    pub(super) allow: Vec<Entry>,
    pub(super) hours: &'static str,
    pub(super) by: u32,
    pub(super) at_most: AtMost,
}

/// One entry of `allow`, with its terms.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) line: &'static str,
    pub(super) terminal: bool,
    pub(super) until: Option<&'static str>,
}

/// `at-most`, and the last day of a longer one.
#[derive(Clone, Copy, Debug)]
pub(super) struct AtMost {
    pub(super) written: &'static str,
    pub(super) until: Option<&'static str>,
}

impl AtMost {
    pub(super) fn naive(self) -> (Span, Option<Timestamp>) {
        (span(self.written), self.until.map(end_of))
    }
}

/// An instant as documents write it, which `until` takes as well as a day.
pub(super) fn end_of(until: &str) -> Timestamp {
    at(until)
}

/// Around the moments that are tried, and one that has passed.
const UNTIL: [&str; 4] = [
    "2027-03-31T00:00:00Z",
    "2026-11-23T12:00:00Z",
    "2026-11-24T09:00:00Z",
    "2026-11-22T00:00:00Z",
];

impl Entry {
    /// As a document writes it.
    fn text(&self) -> String {
        let Self {
            line,
            terminal,
            until,
        } = self;
        let mut text = format!("{{ line = \"{line}\"");
        if *terminal && line.starts_with("command: ls") {
            text += ", terminal = true";
        }
        match until {
            Some(until) => text += &format!(", owner = \"Odile\", until = \"{until}\""),
            // As documents of earlier versions wrote it.
            None if *line == "command: *" => return format!("\"{line}\""),
            None => {}
        }
        text + " }"
    }
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let terms = (
        prop::bool::weighted(0.4),
        prop_oneof![1 => Just(None), 2 => select(UNTIL.to_vec()).prop_map(Some)],
    );
    (some(&CAPABILITIES, 6), prop::collection::vec(terms, 6)).prop_map(|(lines, terms)| {
        let entry =
            |(line, (terminal, until)): (&'static str, (bool, Option<&'static str>))| Entry {
                line,
                // What a plain line of a template gives none of.
                terminal: terminal && line.starts_with("command: ls"),
                // Mostly none: an end is rare beside what is no derogation.
                until: until.filter(|_| line == "command: *" || terminal),
            };
        lines.into_iter().zip(terms).map(entry).collect()
    })
}

const SELECTORS: [&str; 4] = [
    "maintech:*",
    "maintech:dba",
    "maintech/alice",
    "maintech/bruno",
];

pub(super) const TARGETS: [&str; 2] = ["db01", "web01"];

const ACCOUNTS: [&str; 2] = ["ops", "postgres"];

const CAPABILITIES: [&str; 10] = [
    "shell",
    "command: *",
    "command: ls {path}",
    "command: ls {word}",
    "command: ls {any:word}",
    "command: ls /tmp",
    "env: LANG",
    "env: LANG LC_*",
    "env: *",
    "env: * ORACLE_SID",
];

const HOURS: [&str; 4] = [
    "always",
    "mon-fri 07:00-20:00 Europe/Paris",
    "mon 10:30-11:30 Europe/Paris",
    "sun 00:00-24:00 UTC",
];

/// Mostly something, sometimes nothing.
fn some(texts: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![12 => subsequence(texts.to_vec(), 1..=most), 1 => Just(Vec::new())]
}

fn line() -> impl Strategy<Value = Line> {
    (
        some(&SELECTORS, 3),
        some(&TARGETS, 2),
        some(&ACCOUNTS, 2),
        entries(),
        prop_oneof![3 => Just(HOURS[0]), 3 => Just(HOURS[1]), 1 => select(HOURS.to_vec())],
        prop_oneof![3 => Just(1u32), 1 => Just(2)],
        prop_oneof![
            10 => select(vec!["0s", "1h", "1h", "4h", "4h", "12h", "12h"]).prop_map(|written| AtMost { written, until: None }),
            // As documents of earlier versions wrote it: a day.
            1 => Just(AtMost { written: "72h", until: None }),
            3 => select(UNTIL.to_vec()).prop_map(|until| AtMost { written: "72h", until: Some(until) }),
        ],
    )
        .prop_map(
            |(technicians, targets, accounts, allow, hours, by, at_most)| {
                // An account without a target is a mistake that the documents refuse; it is not what is tried here.
                let accounts = if targets.is_empty() {
                    Vec::new()
                } else {
                    accounts
                };
                Line {
                    technicians,
                    targets,
                    accounts,
                    allow,
                    hours,
                    by,
                    at_most,
                }
            },
        )
}

pub(super) fn world() -> impl Strategy<Value = World> {
    (
        prop::collection::vec(line(), 0..5),
        subsequence(vec!["dba"], 0..=1),
        prop_oneof![6 => Just(vec!["atelier-1"]), 1 => Just(vec![])],
        prop_oneof![6 => Just(vec!["192.0.2.0/24", "2001:db8::/32"]), 1 => Just(vec!["2001:db8::/32"]), 1 => Just(vec![])],
        prop_oneof![4 => Just(vec!["odile", "olive"]), 1 => Just(vec!["odile"]), 1 => Just(vec![])],
        Just(ACCOUNTS.to_vec()),
        prop_oneof![3 => Just(ACCOUNTS.to_vec()), 1 => Just(vec!["ops"])],
    )
        .prop_map(|(flows, groups, stations, networks, operators, db_accounts, web_accounts)| World {
            flows,
            groups,
            stations,
            networks,
            operators,
            db_accounts,
            web_accounts,
        })
}

impl World {
    pub(super) fn documents(&self) -> Option<Documents> {
        self.documents_and("")
    }

    /// With more lines at the end of the client's document.
    pub(super) fn documents_and(&self, tail: &str) -> Option<Documents> {
        let Self {
            flows,
            groups,
            stations,
            networks,
            operators,
            db_accounts,
            web_accounts,
        } = self;
        let provider = format!(
            "[provider]\nid = \"maintech\"\nname = \"M\"\nlang = \"fr\"\n\
             [[technician]]\nid = \"alice\"\nname = \"A\"\ngroups = {groups:?}\nkeys = [\"{}\"]\nstations = {stations:?}\n\
             [[technician]]\nid = \"bruno\"\nname = \"B\"\ngroups = [\"dba\"]\nstations = []\n\
             [[station]]\nid = \"atelier-1\"\nkeys = [\"{}\"]\nnetworks = {networks:?}\n",
            site_line(ALICE),
            site_line(ATELIER_1),
        );
        let mut client = "[client]\nid = \"hopital\"\nname = \"H\"\nlang = \"fr\"\n".to_owned();
        for operator in operators {
            let seed = if *operator == "odile" { ODILE } else { OLIVE };
            client += &format!(
                "[[operator]]\nid = \"{operator}\"\nname = \"O\"\nkeys = [\"{}\"]\n",
                site_line(seed)
            );
        }
        for (id, accounts) in [("db01", db_accounts), ("web01", web_accounts)] {
            client += &format!(
                "[[target]]\nid = \"{id}\"\naddress = \"{id}.example:22\"\nprotocol = \"ssh\"\nhost-keys = [\"{}\"]\naccounts = {accounts:?}\n",
                site_line(HOST)
            );
        }
        for (
            number,
            Line {
                technicians,
                targets,
                accounts,
                allow,
                hours,
                by,
                at_most,
            },
        ) in flows.iter().enumerate()
        {
            let allow: Vec<String> = allow.iter().map(Entry::text).collect();
            let allow = allow.join(", ");
            let AtMost { written, until } = at_most;
            let long = until.map_or(String::new(), |until| {
                format!(", long = true, owner = \"Odile\", until = \"{until}\"")
            });
            client += &format!(
                "[[flow]]\nname = \"flow-{number}\"\ntechnicians = {technicians:?}\ntargets = {targets:?}\naccounts = {accounts:?}\n\
                 allow = [{allow}]\nhours = \"{hours}\"\nauthentication = [\"station\", \"key\", \"totp\"]\n\
                 approval = {{ by = {by}, at-most = \"{written}\"{long} }}\n"
            );
        }
        client += tail;
        Documents::parse([
            ("providers/maintech.toml", provider.as_str()),
            ("clients/hopital.toml", &client),
        ])
        .ok()
    }

    /// The same site with one thing less, for each thing that grants.
    pub(super) fn each_with_one_less(&self) -> Vec<World> {
        let mut worlds = Vec::new();
        fn each<T>(
            world: &World,
            worlds: &mut Vec<World>,
            list: impl Fn(&mut World) -> &mut Vec<T>,
        ) {
            let length = list(&mut world.clone()).len();
            for place in 0..length {
                let mut less = world.clone();
                list(&mut less).remove(place);
                worlds.push(less);
            }
        }
        each(self, &mut worlds, |world| &mut world.groups);
        each(self, &mut worlds, |world| &mut world.stations);
        each(self, &mut worlds, |world| &mut world.networks);
        each(self, &mut worlds, |world| &mut world.operators);
        each(self, &mut worlds, |world| &mut world.db_accounts);
        each(self, &mut worlds, |world| &mut world.web_accounts);
        for place in 0..self.flows.len() {
            let mut less = self.clone();
            less.flows.remove(place);
            worlds.push(less);
            each(self, &mut worlds, |world| {
                &mut world.flows[place].technicians
            });
            each(self, &mut worlds, |world| &mut world.flows[place].targets);
            each(self, &mut worlds, |world| &mut world.flows[place].accounts);
            each(self, &mut worlds, |world| &mut world.flows[place].allow);
            for entry in 0..self.flows[place].allow.len() {
                let mut less = self.clone();
                less.flows[place].allow[entry].terminal = false;
                worlds.push(less);
                let mut less = self.clone();
                less.flows[place].allow[entry].until = Some("2026-11-23T10:30:00Z");
                // Not what ended before, nor what was not in force for want of an end.
                let before = self.flows[place].allow[entry].clone();
                let shrank = match before.until {
                    Some(until) => at("2026-11-23T10:30:00Z") < at(until),
                    None => before.line != "command: *",
                };
                if shrank {
                    worlds.push(less);
                }
            }
        }
        worlds
    }
}

/// What a heightened posture asks for, as a client writes it.
pub(super) fn high() -> impl Strategy<Value = String> {
    let refuse = vec!["\"command: *\"", "\"shell\"", "\"command\"", "\"env\""];
    (
        1_u32..3,
        select(vec!["0s", "20m", "1h", "24h"]),
        subsequence(refuse, 0..=2),
        select(vec!["{}", "{ session = \"1 KiB\", rate = \"1 KiB/s\" }", "{ day = \"0 B\" }"]),
    )
        .prop_map(|(approvers, at_most, refuse, extraction)| {
            format!(
                "[posture.high]\napprovers = {approvers}\nat-most = \"{at_most}\"\nrefuse = [{}]\nextraction = {extraction}\n",
                refuse.join(", ")
            )
        })
}

fn site_line(seed: u8) -> String {
    crate::site::line(seed)
}

#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) targets: Vec<&'static str>,
    pub(super) account: &'static str,
    pub(super) capabilities: Vec<&'static str>,
    pub(super) length: &'static str,
    pub(super) planned: bool,
    pub(super) narrowing: Narrowing,
}

pub(super) fn script() -> impl Strategy<Value = Script> {
    (
        prop_oneof![4 => select(TARGETS.to_vec()).prop_map(|one| vec![one]), 1 => Just(TARGETS.to_vec())],
        select(ACCOUNTS.to_vec()),
        subsequence(CAPABILITIES.to_vec(), 1..=2),
        prop_oneof![1 => Just("1s"), 3 => Just("30m"), 3 => Just("1h"), 2 => Just("3h"), 1 => Just("30h")],
        prop::bool::weighted(0.2),
        prop::option::weighted(0.2, select(vec!["0s", "20m", "1h"])),
        prop::option::weighted(0.2, some(&["shell", "command", "env"], 2)),
        prop::option::weighted(0.2, some(&TARGETS, 2)),
    )
        .prop_map(
            |(targets, account, capabilities, length, planned, shorter, families, fewer)| Script {
                targets,
                account,
                capabilities,
                length,
                planned,
                narrowing: Narrowing {
                    length: shorter.map(span),
                    families: families
                        .map(|families| families.into_iter().map(str::to_owned).collect()),
                    targets: fewer.map(|targets| targets.into_iter().map(target).collect()),
                    lines: None,
                    accounts: None,
                    bytes: None,
                },
            },
        )
}
