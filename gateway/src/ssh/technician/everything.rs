//! Everything that the SSH library can tell of a client, each with what becomes of it: the one table.
//!
//! [`CALLBACKS`] names every callback of the pinned library. A test reads the library's own source and fails on a callback that
//! is not in it, so that no newer version brings something that nobody decided. What the library refuses without a callback is
//! in [`UNTOLD`].

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// What becomes of something that a client asks or says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Becomes {
    /// It is part of the log-on (`identity`).
    LogOn,
    /// Policy decides by the matrix, before anything of it passes (`passage::story`), or on the permit of its channel.
    ByTheMatrix,
    /// It goes to its channel, which was permitted.
    ToItsChannel,
    /// Refused in every version, whatever the matrix says, and on record.
    Refused,
    /// The connection ends: nothing honest says so.
    EndsTheConnection,
    /// The library's own answer, which refuses it, is left as it is.
    RefusedByTheLibrary,
    /// It asks nothing.
    AsksNothing,
}

use Becomes::{
    AsksNothing, ByTheMatrix, EndsTheConnection, LogOn, Refused, RefusedByTheLibrary, ToItsChannel,
};

/// The library's callbacks.
const CALLBACKS: &[(&str, Becomes)] = &[
    ("auth_none", LogOn),
    // Advertised by no method list of ours.
    ("auth_password", RefusedByTheLibrary),
    ("auth_publickey_offered", LogOn),
    ("auth_publickey", LogOn),
    ("auth_openssh_certificate", LogOn),
    ("auth_keyboard_interactive", LogOn),
    ("auth_succeeded", LogOn),
    ("authentication_banner", LogOn),
    // `shell`, `command: …`, `sftp-…: …` say what for.
    ("channel_open_session", ByTheMatrix),
    // `forward: HOST:PORT` (`-L`, `-D`, `-W`); to a target a connection within this one (`-J`).
    ("channel_open_direct_tcpip", ByTheMatrix),
    // `socket: PATH`.
    ("channel_open_direct_streamlocal", ByTheMatrix),
    // A client never opens these (RFC 4254 §6.3.2, §7.2).
    ("channel_open_x11", Refused),
    ("channel_open_forwarded_tcpip", Refused),
    // The gateway opens none towards a client.
    ("channel_open_confirmation", EndsTheConnection),
    ("channel_close", ToItsChannel),
    ("channel_eof", ToItsChannel),
    ("data", ToItsChannel),
    // RFC 4254 §5.2 defines none from a client; it takes of the window and goes nowhere.
    ("extended_data", AsksNothing),
    ("window_adjusted", AsksNothing),
    ("adjust_window", AsksNothing),
    // Asked with the shell or command that they come with.
    ("pty_request", ByTheMatrix),
    ("env_request", ByTheMatrix),
    ("shell_request", ByTheMatrix),
    ("exec_request", ByTheMatrix),
    // `sftp` alone; every other is refused, and on record.
    ("subsystem_request", ByTheMatrix),
    ("window_change_request", ByTheMatrix),
    ("signal", ByTheMatrix),
    ("x11_request", Refused),
    ("agent_request", Refused),
    // `-R`, from a port and from a socket.
    ("tcpip_forward", Refused),
    ("streamlocal_forward", Refused),
    // There is none to cancel.
    ("cancel_tcpip_forward", RefusedByTheLibrary),
    ("cancel_streamlocal_forward", RefusedByTheLibrary),
    // Groups of the library's own choice; `gex` is in no list of ours.
    ("lookup_dh_gex_group", AsksNothing),
];

/// What the library refuses without a callback. It is overheard in its log, and on record ([`super::overheard`]).
const UNTOLD: &[&str] = &[
    "tun@openssh.com",
    "auth-agent@openssh.com",
    "forwarded-streamlocal@openssh.com",
    "break",
    "every other channel type and request",
];

/// The source of the library that is built in.
fn library() -> PathBuf {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let mut hosts = rustc.lines().filter_map(|line| line.strip_prefix("host: "));
    // What other platforms need is not here.
    let here = ["--filter-platform", hosts.next().unwrap()];
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let read = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(here)
        .args(["--manifest-path", manifest])
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&read.stdout).unwrap();
    let all = told["packages"].as_array().unwrap();
    let russh = all.iter().find(|one| one["name"] == "russh").unwrap();
    let manifest = PathBuf::from(russh["manifest_path"].as_str().unwrap());
    manifest.with_file_name("src")
}

/// The methods of the library's trait for servers.
fn callbacks() -> Vec<String> {
    let source = std::fs::read_to_string(library().join("server/mod.rs")).unwrap();
    let (_, from) = source.split_once("pub trait Handler").unwrap();
    let (body, _) = from.split_once("\n}\n").unwrap();
    let methods = body.lines().filter_map(|line| {
        let line = line.strip_prefix("    ")?;
        let name = line
            .strip_prefix("async ")
            .unwrap_or(line)
            .strip_prefix("fn ")?;
        let end = name.find(|letter: char| !letter.is_alphanumeric() && letter != '_')?;
        Some(name[..end].to_owned())
    });
    methods.collect()
}

/// F1: nothing that SSH has is without a decision.
#[test]
fn f1_every_callback_of_the_library_has_its_line() {
    let callbacks = callbacks();
    assert!(callbacks.len() > 30, "{callbacks:?}");
    for callback in &callbacks {
        let lines = CALLBACKS.iter().filter(|(name, _)| name == callback);
        assert_eq!(lines.count(), 1, "`{callback}` is not decided");
    }
    for (name, _) in CALLBACKS {
        let is_there = callbacks.iter().any(|callback| callback == name);
        assert!(is_there, "`{name}` is no callback any more");
    }
}

/// And the door does what its line says: what is left to the library is not answered here, the rest is.
#[test]
fn every_line_is_what_the_door_does() {
    let door = include_str!("handler.rs");
    for (name, becomes) in CALLBACKS {
        let own = format!("fn {name}");
        let mut begins = door.match_indices(&own).map(|(at, found)| at + found.len());
        let begins = begins.find(|end| door[*end..].starts_with(['(', '<']));
        let is_left = matches!(becomes, RefusedByTheLibrary) || *name == "lookup_dh_gex_group";
        assert_eq!(begins.is_none(), is_left, "`{name}` is {becomes:?}");
        let Some(begins) = begins else { continue };
        let (body, _) = door[begins..].split_once("\n    }\n").unwrap();
        let refuses = ["refuse_channel(", ".refuse(", "refuse_unserved("];
        let refuses = refuses.iter().any(|call| body.contains(call));
        assert_eq!(refuses, *becomes == Refused, "`{name}` is {becomes:?}");
        let ends = body.contains("Err(russh::Error::Inconsistent)");
        assert_eq!(
            ends,
            *becomes == EndsTheConnection,
            "`{name}` is {becomes:?}"
        );
    }
    let overhears = include_str!("overheard.rs");
    assert!(!UNTOLD.is_empty() && overhears.contains("unknown channel type"));
}
