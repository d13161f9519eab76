//! By which token which session is known: a client that comes back names the one it had (*Resuming* in
//! [`ethertab_tunnel::v1`]).

use ethertab_tunnel::v1::TOKEN;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio_util::sync::CancellationToken;

type Token = [u8; TOKEN];

/// The sessions that are alive. There are no more entries than sessions.
#[derive(Default)]
pub struct Tokens {
    live: Mutex<HashMap<Token, Arc<Live>>>,
}

/// A session, as others may find it.
#[derive(Default)]
pub(super) struct Live {
    /// Cancelled when its client goes on in another session.
    pub(super) replaced: CancellationToken,
    /// The number of its port, once it has one.
    pub(super) port: OnceLock<u64>,
}

/// Keeps a session among the live ones.
pub(super) struct Registration {
    tokens: Arc<Tokens>,
    pub(super) token: Token,
    pub(super) live: Arc<Live>,
}

impl Tokens {
    /// Takes in a new session, under a token that nobody can guess.
    pub(super) fn register(self: &Arc<Self>) -> io::Result<Registration> {
        let mut token = [0; TOKEN];
        getrandom::fill(&mut token).map_err(io::Error::other)?;
        let live = Arc::new(Live::default());
        self.lock().insert(token, Arc::clone(&live));
        Ok(Registration {
            tokens: Arc::clone(self),
            token,
            live,
        })
    }

    /// The session with this token; nobody finds it again.
    pub(super) fn take(&self, token: &Token) -> Option<Arc<Live>> {
        self.lock().remove(token)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Token, Arc<Live>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.tokens.lock().remove(&self.token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_once_and_not_when_it_is_over() {
        let tokens = Arc::new(Tokens::default());
        let (first, second) = (tokens.register().unwrap(), tokens.register().unwrap());
        assert_ne!(first.token, second.token);
        assert!(tokens.take(&[0; TOKEN]).is_none());
        assert!(tokens.take(&first.token).is_some());
        assert!(tokens.take(&first.token).is_none());
        let token = second.token;
        drop((first, second));
        assert!(tokens.take(&token).is_none());
        assert!(tokens.lock().is_empty());
    }
}
