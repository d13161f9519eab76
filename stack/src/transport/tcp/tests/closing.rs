//! Closing: RFC 9293 §3.6.

use super::rig::*;

#[test]
fn an_ordinary_close_ends_in_time_wait() {
    let mut bench = Bench::connected();
    bench.write(b"hello");
    bench.finish();
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1 LEN=5 FIN,PSH,ACK"]);
    assert_eq!(bench.state(), "FIN-WAIT-1");
    bench.say(seq(1).ack(7));
    assert_eq!(bench.state(), "FIN-WAIT-2");
    bench.say(seq(1).ack(7).data(b"bye").fin());
    assert_eq!(bench.hears(), ["SEQ=7 ACK=5 ACK"]);
    assert_eq!(bench.state(), "TIME-WAIT");
    assert_eq!(bench.read(), b"bye");
    assert_eq!(bench.read(), b"");
}
