//! `ecluse explain PERSON TARGET WHAT`: which line of which file allows it, or what is missing.

use std::process::ExitCode;

use clap::Args;
use ecluse_policy::capability::destination::{Door, ForwardLine, Host, Known, NoForward};
use ecluse_policy::documents::{HostPort, Target};
use ecluse_policy::{
    FileNeed, FileRight, FlowRequest, PersonId, SFTP, TargetId, TargetPath, Timestamp, explain,
};

use super::in_force;
use crate::clock;
use crate::faces::commands::out::outln;
use crate::settings::Settings;
use crate::store::Store;

/// Exit status where no line allows it: not that of a command that failed.
const NOT_ALLOWED: u8 = 3;

/// Say which line of which file would let a person do something on a target, or everything that is missing.
///
/// It speaks of the documents in force; an approved intervention is needed besides, always. Status: 0 where a line allows
/// it, 3 where none does, 1 where that could not be found out, 2 where the question does not read.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The person's id.
    #[arg(value_name = "PERSON", value_parser = PersonId::parse)]
    person: PersonId,
    /// The target's id.
    #[arg(value_name = "TARGET", value_parser = TargetId::parse)]
    target: TargetId,
    /// What they would ask for, in the words of a flow's allow: `shell`, `command: uptime`, `env: LANG`,
    /// `sftp`, `sftp-read: PATH`, `rsync-write: PATH/**`, `git-read: PATH`, `forward: HOST:PORT`, `socket: PATH`, `remote-forward: PORT`, `x11`, `agent`.
    #[arg(value_name = "WHAT", value_parser = request)]
    what: FlowRequest,
    /// When, as `2026-11-23T10:00:00Z`; without it, now.
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
    /// As if the client's posture were so; without it, as it is.
    #[arg(long, value_name = "high|normal", value_parser = ["high", "normal"])]
    posture: Option<String>,
}

impl Explain {
    pub(super) async fn run(&self, store: &Store, settings: &Settings) -> anyhow::Result<ExitCode> {
        let applied = in_force(store).await?;
        let at = self.at.unwrap_or_else(clock::now);
        let documents = applied.documents.clone();
        let documents = match self.posture.as_deref() {
            Some("high") => documents.as_if_heightened(at, "asked beforehand"),
            Some(_) => documents.as_written(),
            None => documents,
        };
        let explanation = explain(&documents, &self.person, &self.target, &self.what, at);
        let owned = documents.target(&self.target);
        if let (true, Some(place), Some((_, own))) =
            (explanation.is_allowed(), self.what.place(), owned)
            && is_own_door(settings, own, &place)
        {
            outln!(
                "refused; listed, and missing:\n  another place than {place}: it is a door of the gateway itself, to which no connection goes"
            );
            return Ok(ExitCode::from(NOT_ALLOWED));
        }
        outln!(
            "{}",
            ecluse_recordings::neutralise_lines(explanation.to_string())
        );
        if let Some(posture) = owned.and_then(|(client, _)| documents.posture(&client.id)) {
            let parts = posture.rules.parts();
            let parts = parts.iter().map(|(key, text)| format!("\n  {key}: {text}"));
            outln!(
                "{}",
                ecluse_recordings::neutralise_lines(format!(
                    "in heightened posture:{}",
                    parts.collect::<String>()
                ))
            );
        }
        Ok(if explanation.is_allowed() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(NOT_ALLOWED)
        })
    }
}

/// Whether a place is a door of the gateway as its settings name it; what a target sees besides is known once it is reached.
fn is_own_door(settings: &Settings, own: &Target, place: &ForwardLine) -> bool {
    let doors = || {
        settings
            .ssh
            .listen
            .iter()
            .chain(&settings.ssh.operators_listen)
    };
    let told = settings.address();
    let hosts = doors().map(|door| door.ip().to_string());
    let hosts = hosts.chain(told.as_ref().map(|told| told.host().to_owned()));
    let hosts: Vec<Host> = hosts.filter_map(|host| Host::parse(&host).ok()).collect();
    let ports = doors().map(std::net::SocketAddr::port);
    let ports: Vec<u16> = ports.chain(told.as_ref().map(HostPort::port)).collect();
    let known = Known {
        gateway: &hosts,
        gateway_ports: &ports,
        own: &Door::of(&own.id, own.address.host(), own.address.port()),
        others: &[],
    };
    matches!(known.never(place), Some(NoForward::Gateway))
}

const ACCEPTED: &str = "accepted: shell, `command: uptime`, `env: LANG`, sftp, `sftp-read: /var/log/app.log`, `forward: HOST:PORT`, `socket: PATH`, \
                        `remote-forward: PORT`, x11, agent";

/// The request that somebody means who writes it as a flow's `allow` would.
pub(super) fn request(text: &str) -> Result<FlowRequest, String> {
    let refused = |problem: &str| format!("{problem}; {ACCEPTED}");
    let (word, rest) = match text.split_once(':') {
        Some((word, rest)) => (word.trim(), rest.trim()),
        None => (text.trim(), ""),
    };
    let needed = |what: &str| {
        if rest.is_empty() {
            Err(refused(&format!("`{word}:` needs {what}")))
        } else {
            Ok(rest.to_owned())
        }
    };
    match word {
        "shell" if rest.is_empty() => Ok(FlowRequest::Shell),
        "x11" if rest.is_empty() => Ok(FlowRequest::X11),
        "agent" if rest.is_empty() => Ok(FlowRequest::AgentForwarding),
        "sftp" if rest.is_empty() => Ok(FlowRequest::Subsystem(SFTP.into())),
        family if let Some(right) = FileRight::of_family(family) => {
            let path = needed("the path of a file")?;
            // As a line writes everything below a path.
            let (path, below) = match path.strip_suffix("/**") {
                Some("") => ("/", true),
                Some(path) => (path, true),
                None => (path.as_str(), false),
            };
            let path = TargetPath::canonical(path.as_bytes())
                .map_err(|error| refused(&format!("the path is none: {error}")))?;
            Ok(FlowRequest::File(match below {
                true => FileNeed::Tree(right, path),
                false => FileNeed::Right(right, path),
            }))
        }
        "command" => Ok(FlowRequest::Command(needed("a command")?.into_bytes())),
        "env" => Ok(FlowRequest::Env {
            name: needed("a variable's name")?,
            value: String::new(),
        }),
        "socket" => Ok(FlowRequest::DirectStreamlocal {
            path: needed("a path")?,
        }),
        "forward" => {
            let place = needed("HOST:PORT")?;
            let (host, port) = place
                .rsplit_once(':')
                .ok_or_else(|| refused("`forward:` needs HOST:PORT"))?;
            let port: u16 = port
                .parse()
                .map_err(|_| refused("the port is a number up to 65535"))?;
            let inner = host
                .strip_prefix('[')
                .and_then(|host| host.strip_suffix(']'));
            Ok(FlowRequest::DirectTcpip {
                host: inner.unwrap_or(host).to_owned(),
                port: port.into(),
            })
        }
        "remote-forward" => {
            let port = needed("a port")?
                .parse()
                .map_err(|_| refused("the port is a number up to 65535"))?;
            Ok(FlowRequest::RemoteForward {
                address: String::new(),
                port,
            })
        }
        _ => Err(refused("this is not something a flow can allow")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_written_as_a_flow_writes_it() {
        assert_eq!(request("shell").unwrap(), FlowRequest::Shell);
        assert_eq!(
            request("command: pg_dump a:b").unwrap(),
            FlowRequest::Command(b"pg_dump a:b".to_vec())
        );
        assert_eq!(
            request("forward: [::1]:5432").unwrap(),
            FlowRequest::DirectTcpip {
                host: "::1".into(),
                port: 5432
            }
        );
        assert_eq!(
            request("sftp-read: /var/log/app.log").unwrap(),
            FlowRequest::File(FileNeed::Right(
                FileRight::Read,
                TargetPath::canonical(b"/var/log/app.log").unwrap()
            ))
        );
        for bad in [
            "",
            "sftp-read:",
            "sftp-read: x",
            "sftp-write: /a/../b",
            "shell: x",
            "command:",
            "forward: 5432",
            "forward: h:70000",
            "remote-forward: x",
            "fly",
        ] {
            assert!(request(bad).unwrap_err().contains("accepted: "), "{bad}");
        }
    }
}
