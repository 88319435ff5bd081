//! A time server on the loopback that does as it is told: lies, drifts, is silent.

use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use crate::clock;
use crate::settings::NtpServer;

/// What the server does with the next question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// Answers with our time and so many microseconds.
    Ahead(i64),
    /// Does not answer.
    Silent,
    /// Answers a question that nobody asked, then the right one with so many microseconds.
    AfterNoise(i64),
    /// Says that its clock is not set.
    NotSet,
}

pub(super) struct FakeServer {
    pub(super) name: NtpServer,
    behaviour: Arc<Mutex<Behaviour>>,
    task: JoinHandle<()>,
}

impl FakeServer {
    pub(super) async fn start(behaviour: Behaviour) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let name = NtpServer::parse(&socket.local_addr().unwrap().to_string()).unwrap();
        let behaviour = Arc::new(Mutex::new(behaviour));
        let told = Arc::clone(&behaviour);
        let task = tokio::spawn(async move {
            let mut bytes = [0; 512];
            loop {
                let (length, from) = socket.recv_from(&mut bytes).await.unwrap();
                let question = &bytes[..length];
                let behaviour = *told.lock().unwrap();
                let replies = match behaviour {
                    Behaviour::Ahead(ahead) => vec![reply(question, ahead)],
                    Behaviour::Silent => vec![],
                    Behaviour::AfterNoise(ahead) => {
                        let mut other = reply(question, 86_400_000_000);
                        other[24] ^= 1;
                        vec![vec![0; 500], vec![], other, reply(question, ahead)]
                    }
                    Behaviour::NotSet => {
                        let mut alarm = reply(question, 0);
                        alarm[0] |= 3 << 6;
                        vec![alarm]
                    }
                };
                for reply in replies {
                    socket.send_to(&reply, from).await.unwrap();
                }
            }
        });
        Self {
            name,
            behaviour,
            task,
        }
    }

    pub(super) fn becomes(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn reply(question: &[u8], ahead: i64) -> Vec<u8> {
    let mut bytes = vec![0; 48];
    bytes[0] = (4 << 3) | 4;
    bytes[1] = 1;
    bytes[24..32].copy_from_slice(&question[40..48]);
    let time = ntp(clock::now().as_micros() + ahead).to_be_bytes();
    bytes[32..40].copy_from_slice(&time);
    bytes[40..48].copy_from_slice(&time);
    bytes
}

/// Microseconds since 1970 as an NTP timestamp, rounded up so that it reads back as the same microsecond.
pub(super) fn ntp(micros: i64) -> u64 {
    let seconds = u64::try_from(micros.div_euclid(1_000_000) + 2_208_988_800).unwrap();
    let fraction = u64::try_from(micros.rem_euclid(1_000_000)).unwrap();
    (seconds & 0xffff_ffff) << 32 | ((fraction << 32).div_ceil(1_000_000))
}
