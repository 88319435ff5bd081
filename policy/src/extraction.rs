//! How much may leave a target, at which pace, and what happens at the limit (X1, X2, X3).
//!
//! ```text
//! node ▸ client ▸ target ▸ technician-day ▸ intervention ▸ session ▸ channel
//! ```
//!
//! A channel takes what it sends from every level at once: [`grant`] says how much it may have. What a level has spent is
//! kept by the gateway under the name that [`Budgets::charges`] gives ([`Account`]), so that neither restarts, parallel
//! sessions, reconnects nor several nodes have an account of their own. Nothing here measures, waits or stores.
//!
//! Read in this order: [`bytes`] (the units), [`zone`] (which day it is), [`budget`] (what is written), [`tree`] (the sum), `top_up` (what operators add),
//! [`hands`] (what they do by hand).
//! How documents write it is [`crate::documents::Extraction`].

pub mod budget;
pub mod bytes;
mod granted;
pub mod hands;
mod strictest;
mod top_up;
pub mod tree;
pub mod zone;

pub use self::budget::{Account, AtLimit, Budget, Budgets, Charge, Level, Limit, Place, Way};
pub use self::bytes::{ByteCount, ByteRate, Percent, SizeError};
pub use self::granted::granted_budgets;
pub use self::hands::{Hand, Hands, HeldBy, Laid, SlowedBy};
pub use self::tree::{Crossing, Granted, Spent, Threshold, grant};
pub use self::zone::{CivilDay, Zone, ZoneError};
