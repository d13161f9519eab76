//! The server's side of iperf3's control protocol, over our stack: enough for one TCP test with one stream.

use crate::world::Outcome;
use ethertab_stack::driver::{TcpListener, TcpStream};
use futures_util::{AsyncReadExt, AsyncWriteExt};

/// Bytes of the cookie that every connection of a test begins with.
const COOKIE: usize = 37;

const TEST_START: u8 = 1;
const TEST_RUNNING: u8 = 2;
const TEST_END: u8 = 4;
const PARAM_EXCHANGE: u8 = 9;
const CREATE_STREAMS: u8 = 10;
const EXCHANGE_RESULTS: u8 = 13;
const DISPLAY_RESULTS: u8 = 14;
const IPERF_DONE: u8 = 16;

/// Serves one test; the payload bytes that passed.
pub(crate) async fn serve(
    listener: &TcpListener,
) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
    let (mut control, _) = listener.accept().await?;
    let mut cookie = [0; COOKIE];
    control.read_exact(&mut cookie).await?;
    control.write_all(&[PARAM_EXCHANGE]).await?;
    let parameters = read_json(&mut control).await?;
    let reverse =
        parameters.contains("\"reverse\":\ttrue") || parameters.contains("\"reverse\":true");
    control.write_all(&[CREATE_STREAMS]).await?;
    let (mut data, _) = listener.accept().await?;
    data.read_exact(&mut cookie).await?;
    control.write_all(&[TEST_START, TEST_RUNNING]).await?;
    let mut state = [0];
    let moved = {
        let mut moved = 0;
        let mut buffer = vec![0; 128 * 1024];
        let ended = control.read_exact(&mut state);
        let carry = async {
            loop {
                let count = if reverse {
                    data.write(&buffer).await?
                } else {
                    data.read(&mut buffer).await?
                };
                moved += count as u64;
                if count == 0 {
                    return std::io::Result::Ok(());
                }
            }
        };
        tokio::select! {
            result = ended => result?,
            // The stream ended first: the control connection says what follows.
            result = carry => { result?; }
        }
        moved
    };
    if state[0] == 0 {
        control.read_exact(&mut state).await?;
    }
    if state[0] != TEST_END {
        return Err(format!("state {} where TEST_END was due", state[0]).into());
    }
    // As iperf3's own server does: a client that still reads waits for whole blocks, and the last one may be cut short.
    drop(data);
    control.write_all(&[EXCHANGE_RESULTS]).await?;
    read_json(&mut control).await?;
    let results = format!(
        r#"{{"cpu_util_total":0,"cpu_util_user":0,"cpu_util_system":0,"sender_has_retransmits":0,"streams":[{{"id":1,"bytes":{moved},"retransmits":-1,"jitter":0,"errors":0,"packets":0}}]}}"#
    );
    write_json(&mut control, &results).await?;
    control.write_all(&[DISPLAY_RESULTS]).await?;
    control.read_exact(&mut state).await?;
    if state[0] != IPERF_DONE {
        return Err(format!("state {} where IPERF_DONE was due", state[0]).into());
    }
    Ok(moved)
}

async fn read_json(
    stream: &mut TcpStream,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await?;
    let length = u32::from_be_bytes(length);
    if length > 1 << 20 {
        return Err("an unlikely length".into());
    }
    let mut text = vec![0; usize::try_from(length)?];
    stream.read_exact(&mut text).await?;
    Ok(String::from_utf8(text)?)
}

async fn write_json(stream: &mut TcpStream, text: &str) -> Outcome {
    stream
        .write_all(&u32::try_from(text.len())?.to_be_bytes())
        .await?;
    stream.write_all(text.as_bytes()).await?;
    Ok(())
}
