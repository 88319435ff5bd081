//! Where PostgreSQL is, and what a connection to it must prove: on another machine, who it is.
//!
//! A store that anybody on the way can read or answer for decides who may do what. So off this machine the server proves
//! itself by name (`sslmode=verify-full`); a Unix socket and the loopback interface may do without.

use std::net::IpAddr;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::StoreError;
use crate::settings::StoreAddress;

/// Whether a store at this address would be opened, as far as its address tells.
///
/// # Errors
/// What is wrong with it, and what to write.
pub fn check_address(address: &StoreAddress) -> Result<(), StoreError> {
    match address {
        StoreAddress::Sqlite => Ok(()),
        StoreAddress::Postgres(url) => options(url).map(drop),
    }
}

/// How to reach the server of `url`.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let options = PgConnectOptions::from_str(url)?;
    // Exhaustive: another mode is not known to prove anything.
    let proven = match options.get_ssl_mode() {
        PgSslMode::VerifyFull => true,
        PgSslMode::Disable
        | PgSslMode::Allow
        | PgSslMode::Prefer
        | PgSslMode::Require
        | PgSslMode::VerifyCa => false,
    };
    if proven || is_here(&options) {
        return Ok(options);
    }
    Err(StoreError::Unproven {
        host: options.get_host().to_owned(),
        port: options.get_port(),
    })
}

/// Whether the server is reached without leaving this machine.
fn is_here(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    options.get_socket().is_some()
        || host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions;

    use super::*;
    use crate::copies::testing::TlsServer;

    /// A7: off this machine, a server that does not prove who it is is not spoken to; the password is not repeated.
    #[test]
    fn a_server_elsewhere_proves_itself_or_is_refused_with_what_to_write() {
        for address in [
            "postgres://e:hunter2@db.internal/ecluse",
            "postgres://e:hunter2@192.0.2.7:6000/ecluse",
            "postgres://e:hunter2@db.internal/ecluse?sslmode=disable",
            "postgres://e:hunter2@db.internal/ecluse?sslmode=prefer",
            "postgres://e:hunter2@db.internal/ecluse?sslmode=require",
            "postgres://e:hunter2@db.internal/ecluse?sslmode=verify-ca&sslrootcert=/ca.pem",
            // What stands last counts, and a key that is misspelt does not.
            "postgres://e:hunter2@127.0.0.1/ecluse?host=db.internal",
            "postgres://e:hunter2@127.0.0.1/ecluse?hostaddr=192.0.2.7",
            "postgres://e:hunter2@db.internal/ecluse?ssl_mode=verify-full",
            "postgres://e:hunter2@localhost.example/ecluse",
            "postgres://e:hunter2@[2001:db8::1]/ecluse",
        ] {
            let address = StoreAddress::Postgres(address.to_owned());
            let error = check_address(&address).unwrap_err().to_string();
            assert!(
                error.contains("?sslmode=verify-full&sslrootcert="),
                "{error}"
            );
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn this_machine_and_proven_servers_are_taken() {
        for address in [
            "postgres://e@127.0.0.1:17432/ecluse",
            "postgres://e@localhost/ecluse",
            "postgres://e@[::1]/ecluse",
            "postgres:///ecluse?host=/run/postgresql",
            "postgres://e@%2Frun%2Fpostgresql/ecluse",
            "postgres://e:x@db.internal/ecluse?sslmode=verify-full&sslrootcert=/etc/ecluse/db-ca.pem",
        ] {
            let address = StoreAddress::Postgres(address.to_owned());
            check_address(&address).unwrap_or_else(|error| panic!("{error}"));
        }
        check_address(&StoreAddress::Sqlite).unwrap();
    }

    /// DESIGN §11: what the store agrees on with its server withstands a quantum computer, where the server can.
    #[tokio::test]
    async fn the_store_prefers_a_post_quantum_exchange() {
        let server = TlsServer::start(Some(b"S")).await;
        let url = format!(
            "postgres://e@127.0.0.1:{}/x?sslmode=verify-full&sslrootcert={}",
            server.port(),
            server.certificate_file().display()
        );
        let (group, _) = tokio::join!(server.negotiated(), async {
            options(&url).unwrap().connect().await
        });
        assert_eq!(group, "X25519MLKEM768");
    }
}
