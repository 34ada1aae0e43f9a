//! Connections that fail, break, or reach another server.

use super::case::{ALL, ALL_BUT_ONE, Case, case};
use super::proxy::{Breaks, Certificate, Proxy};
use super::setup::Setup;

/// TLS in front of the sandbox, for the host `name`. The function trusts its root if `trusted` is set.
fn tls(setup: &mut Setup, certificate: &Certificate, trusted: bool, breaks: Breaks) {
    let proxy = Proxy::tls(setup.sandbox(), certificate, breaks);
    setup.call(&format!("https://localhost:{}", proxy.address.port()));
    if trusted {
        let root = setup.folder.join("root.pem");
        std::fs::write(&root, &certificate.root).unwrap();
        setup.variables.insert("SSL_CERT_FILE", root.to_str().unwrap().to_owned());
    }
    setup.proxy = Some(proxy);
}

fn plain(setup: &mut Setup, breaks: Breaks) {
    let proxy = Proxy::plain(setup.sandbox(), breaks);
    setup.call(&format!("http://{}", proxy.address));
    setup.proxy = Some(proxy);
}

const NOTHING: &str = "error `nothing_collected`";

pub fn cases() -> Vec<Case> {
    let of = |what| case("connection", what);
    vec![
        of("nobody listens")
            .quick()
            .arranged(|setup| {
                let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                setup.call(&format!("http://{}", listener.local_addr().unwrap()));
            })
            .leaves("nothing", NOTHING, &["Connection refused"]),
        of("the name does not resolve")
            .arranged(|setup| {
                setup.call("http://graph.invalid");
                setup.within(10);
            })
            .leaves("nothing", NOTHING, &["11 of 11 topics failed"]),
        of("it comes up and nobody answers")
            .arranged(|setup| {
                let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                setup.call(&format!("http://{}", listener.local_addr().unwrap()));
                setup.keep(listener);
                setup.within(6);
            })
            .leaves("nothing", NOTHING, &["11 of 11 topics failed"]),
        of("only IPv6").quick().arranged(|setup| match Proxy::on_v6(setup.sandbox()) {
            Some(proxy) => {
                setup.call(&format!("http://{}", proxy.address));
                setup.proxy = Some(proxy);
            }
            None => setup.skipped = Some("there is no IPv6 here"),
        }),
        of("closed without an answer, once").quick().faults(&["fendi=hang_upx1"]).leaves(
            ALL,
            "whole",
            &["a call failed and is tried again"],
        ),
        of("closed without an answer, always").faults(&["fendi=hang_up"]).leaves(
            ALL_BUT_ONE,
            "in part: 1 × `transient`",
            &["tried 3 of 3 times"],
        ),
        of("closed in the middle of an answer").quick().arranged(|setup| plain(setup, Breaks::After(3_000))).leaves(
            ALL,
            "whole",
            &["a call failed and is tried again"],
        ),
        of("half an answer and then silence, once")
            .faults(&["fendi=stallx1"])
            .arranged(|setup| setup.within(12))
            .leaves(ALL, "whole", &["a call failed and is tried again"]),
        of("half an answer and then silence, up to the deadline")
            .faults(&["fendi=stall"])
            .arranged(|setup| setup.within(5))
            .leaves(ALL_BUT_ONE, "in part: 1 × `transient`", &[]),
        of("answers that come late").faults(&["*=slow:1500"]).arranged(|setup| setup.within(10)).leaves(
            ALL,
            "whole",
            &[],
        ),
        of("a redirect to another host").quick().faults(&["fendi=redirect"]).leaves(
            ALL_BUT_ONE,
            "in part: 1 × `unexpected`",
            &["HTTP 302"],
        ),
        of("TLS and HTTP/2")
            .quick()
            .arranged(|setup| tls(setup, &Certificate::new("localhost", false), true, Breaks::Never)),
        of("a certificate of an unknown root")
            .quick()
            .arranged(|setup| tls(setup, &Certificate::new("localhost", false), false, Breaks::Never))
            .leaves("nothing", NOTHING, &["UnknownIssuer"]),
        of("a certificate that has expired")
            .arranged(|setup| tls(setup, &Certificate::new("localhost", true), true, Breaks::Never))
            .leaves("nothing", NOTHING, &["expired"]),
        of("a certificate of another name")
            .arranged(|setup| tls(setup, &Certificate::new("elsewhere.example", false), true, Breaks::Never))
            .leaves("nothing", NOTHING, &["not valid for name"]),
        of("GOAWAY after the first answer, the others lost")
            .quick()
            .arranged(|setup| tls(setup, &Certificate::new("localhost", false), true, Breaks::GoAway(0))),
        of("GOAWAY for too many calls after the first answer")
            .arranged(|setup| tls(setup, &Certificate::new("localhost", false), true, Breaks::GoAway(11))),
        of("an HTTP/2 connection that is cut")
            .arranged(|setup| tls(setup, &Certificate::new("localhost", false), true, Breaks::After(8_000))),
    ]
}
