//! Questions in datagrams.

use super::{Answers, LOCAL, Transport};
use ethertab_stack::driver::{Error, Network};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Answers questions in datagrams until the network is closed.
pub(in crate::gateway) async fn serve(
    network: Network,
    answers: Arc<Answers>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let socket = match network.bind_udp(LOCAL) {
        Ok(socket) => Arc::new(socket),
        Err(error) => {
            tracing::error!(
                "no DNS: port {} of the gateway is not to be had: {}",
                LOCAL.port(),
                error.code()
            );
            return;
        }
    };
    // Nobody's question is longer; the rest of one that is would be cut and make it malformed.
    let mut buffer = [0; 4_096];
    loop {
        let datagram = match socket.receive(&mut buffer).await {
            Ok(datagram) => datagram,
            Err(Error::NetworkClosed) => return,
            Err(_) => continue,
        };
        let (socket, answers) = (Arc::clone(&socket), Arc::clone(&answers));
        let message = buffer[..datagram.length].to_vec();
        let work = async move {
            let source = datagram.source;
            if let Some(answer) = answers.answer(&message, source.ip(), Transport::Udp).await {
                let _ = socket.send_to(&answer, source).await;
            }
        };
        let stop = stop.clone();
        tasks.spawn(async move { stop.run_until_cancelled(work).await });
    }
}
