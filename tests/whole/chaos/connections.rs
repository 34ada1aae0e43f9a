//! Connections that fail, break, or lead elsewhere.

use super::case::{ALL, ALL_BUT_ONE, Case, case};
use super::front::{Breaks, Certificate, Front};
use super::scene::Scene;

/// TLS in front of the sandbox, for the host `name`. The function trusts its root where `trusted` is set.
fn tls(scene: &mut Scene, certificate: &Certificate, trusted: bool, breaks: Breaks) {
    let front = Front::tls(scene.sandbox(), certificate, breaks);
    scene.call(&format!("https://localhost:{}", front.address.port()));
    if trusted {
        let root = scene.folder.join("root.pem");
        std::fs::write(&root, &certificate.root).unwrap();
        scene.variables.insert("SSL_CERT_FILE", root.to_str().unwrap().to_owned());
    }
    scene.front = Some(front);
}

fn plain(scene: &mut Scene, breaks: Breaks) {
    let front = Front::plain(scene.sandbox(), breaks);
    scene.call(&format!("http://{}", front.address));
    scene.front = Some(front);
}

const NOTHING: &str = "error `nothing_collected`";

pub fn cases() -> Vec<Case> {
    let of = |what| case("connection", what);
    vec![
        of("nobody listens")
            .quick()
            .arranged(|scene| {
                let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                scene.call(&format!("http://{}", listener.local_addr().unwrap()));
            })
            .leaves("nothing", NOTHING, &["Connection refused"]),
        of("the name does not resolve")
            .arranged(|scene| {
                scene.call("http://graph.invalid");
                scene.within(10);
            })
            .leaves("nothing", NOTHING, &["11 of 11 topics failed"]),
        of("it comes up and nobody answers")
            .arranged(|scene| {
                let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                scene.call(&format!("http://{}", listener.local_addr().unwrap()));
                scene.keep(listener);
                scene.within(6);
            })
            .leaves("nothing", NOTHING, &["11 of 11 topics failed"]),
        of("IPv6 alone").quick().arranged(|scene| match Front::on_v6(scene.sandbox()) {
            Some(front) => {
                scene.call(&format!("http://{}", front.address));
                scene.front = Some(front);
            }
            None => scene.skipped = Some("there is no IPv6 here"),
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
        of("closed in the middle of an answer").quick().arranged(|scene| plain(scene, Breaks::After(3_000))).leaves(
            ALL,
            "whole",
            &["a call failed and is tried again"],
        ),
        of("half an answer and then silence, once")
            .faults(&["fendi=stallx1"])
            .arranged(|scene| scene.within(12))
            .leaves(ALL, "whole", &["a call failed and is tried again"]),
        of("half an answer and then silence, up to the deadline")
            .faults(&["fendi=stall"])
            .arranged(|scene| scene.within(5))
            .leaves(ALL_BUT_ONE, "in part: 1 × `transient`", &[]),
        of("answers that come late").faults(&["*=slow:1500"]).arranged(|scene| scene.within(10)).leaves(
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
            .arranged(|scene| tls(scene, &Certificate::new("localhost", false), true, Breaks::Never)),
        of("a certificate of an unknown root")
            .quick()
            .arranged(|scene| tls(scene, &Certificate::new("localhost", false), false, Breaks::Never))
            .leaves("nothing", NOTHING, &["UnknownIssuer"]),
        of("a certificate that has expired")
            .arranged(|scene| tls(scene, &Certificate::new("localhost", true), true, Breaks::Never))
            .leaves("nothing", NOTHING, &["expired"]),
        of("a certificate of another name")
            .arranged(|scene| tls(scene, &Certificate::new("elsewhere.example", false), true, Breaks::Never))
            .leaves("nothing", NOTHING, &["not valid for name"]),
        of("GOAWAY after the first answer, the others lost")
            .quick()
            .arranged(|scene| tls(scene, &Certificate::new("localhost", false), true, Breaks::GoAway(0))),
        of("GOAWAY for too many calls after the first answer")
            .arranged(|scene| tls(scene, &Certificate::new("localhost", false), true, Breaks::GoAway(11))),
        of("an HTTP/2 connection that is cut")
            .arranged(|scene| tls(scene, &Certificate::new("localhost", false), true, Breaks::After(8_000))),
    ]
}
