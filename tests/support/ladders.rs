//! One session in active and one in passive mode, fact by fact, as the
//! manual and the README show them. `dialogue` holds a real session against
//! them, so that what is shown is what the server draws.

use std::net::SocketAddr;
use std::time::Duration;

use ironftpd::protocol::ladder::{DataFact, Ends, Fact, Ladder, Side};
use ironftpd::protocol::{Code, Reply};

/// Who talks to whom, and how much.
pub struct Scene {
    pub session: u64,
    pub control: Ends,
    pub data: Ends,
    /// Length of the listing.
    pub bytes: u64,
}

impl Scene {
    /// A session of the documents, with addresses of RFC 5737.
    pub fn shown(session: u64, client_port: u16, server_port: u16) -> Scene {
        let ends = |client, server| Ends {
            client: SocketAddr::from(([198, 51, 100, 7], client)),
            server: SocketAddr::from(([192, 0, 2, 1], server)),
        };
        Scene {
            session,
            control: ends(51_834, 21),
            data: ends(client_port, server_port),
            bytes: 1_204,
        }
    }
}

/// The drawing so far, and its clock.
struct Drawing {
    ladder: Ladder,
    now: Duration,
    out: String,
}

impl Drawing {
    fn new(scene: &Scene) -> Drawing {
        Drawing {
            ladder: Ladder::new(scene.session, scene.control),
            now: Duration::ZERO,
            out: String::new(),
        }
    }

    fn happens(&mut self, fact: Fact<'_>) {
        self.out.push_str(&self.ladder.draw(self.now, &fact));
    }

    fn after(&mut self, milliseconds: u64, fact: Fact<'_>) {
        self.now += Duration::from_millis(milliseconds);
        self.happens(fact);
    }

    /// A command comes one way over the network later than the last reply.
    fn command(&mut self, verb: &str, argument: &str) {
        self.after(21, Fact::Command(verb.as_bytes(), argument.as_bytes()));
    }

    fn reply(&mut self, code: Code, text: &'static str) {
        self.happens(Fact::Reply(&Reply::new(code, text)));
    }

    fn log_in(&mut self) {
        self.happens(Fact::Opened);
        self.reply(Code::ServiceReady, "ironftpd ready.");
        self.command("USER", "anonymous");
        self.reply(Code::NeedPassword, "Please specify the password.");
        self.command("PASS", "<hidden>");
        self.reply(Code::LoggedIn, "Login successful.");
    }

    fn quit(&mut self) {
        self.command("QUIT", "");
        self.reply(Code::ClosingControl, "Goodbye.");
        self.happens(Fact::Closed(Side::Server));
    }

    fn list(&mut self, scene: &Scene, opener: Side) {
        let data = |fact| Fact::Data(scene.data, fact);
        self.command("LIST", "");
        // To connect takes a round trip; to accept, none that is seen here.
        let trip = if opener == Side::Server { 20 } else { 0 };
        self.after(trip, data(DataFact::Opened(opener)));
        self.reply(Code::FileStatusOk, "Here comes the directory listing.");
        self.after(1, data(DataFact::Moved(Side::Server, scene.bytes)));
        self.happens(data(DataFact::Closed(Side::Server, None)));
        self.reply(Code::ClosingData, "Directory send OK.");
    }
}

fn numbers(address: SocketAddr) -> String {
    let [high, low] = address.port().to_be_bytes();
    let ip = address.ip().to_string().replace('.', ",");
    format!("{ip},{high},{low}")
}

/// Active mode.
pub fn active(scene: &Scene) -> String {
    let mut drawing = Drawing::new(scene);
    drawing.log_in();
    drawing.command("PORT", &numbers(scene.data.client));
    drawing.happens(Fact::ClientListens(scene.data.client));
    let text = "PORT command successful. Consider using PASV.";
    drawing.reply(Code::CommandOk, text);
    drawing.list(scene, Side::Server);
    drawing.quit();
    drawing.out
}

/// Passive mode.
pub fn passive(scene: &Scene) -> String {
    let mut drawing = Drawing::new(scene);
    drawing.log_in();
    promise(&mut drawing, scene);
    drawing.list(scene, Side::Client);
    drawing.quit();
    drawing.out
}

/// Passive mode where a firewall keeps the client from the port, and the
/// client gives up.
pub fn cut_off(scene: &Scene) -> String {
    let mut drawing = Drawing::new(scene);
    drawing.log_in();
    promise(&mut drawing, scene);
    let mut ends = scene.data;
    ends.client.set_port(0);
    let fact = DataFact::Failed {
        by: Side::Client,
        why: "nobody has come",
        refused: false,
    };
    drawing.after(30_000, Fact::Data(ends, fact));
    drawing.happens(Fact::Closed(Side::Client));
    drawing.out
}

fn promise(drawing: &mut Drawing, scene: &Scene) {
    drawing.command("PASV", "");
    drawing.happens(Fact::ServerListens {
        local: scene.data.server,
        announced: scene.data.server.ip(),
    });
    let text = format!("Entering Passive Mode ({}).", numbers(scene.data.server));
    drawing.happens(Fact::Reply(&Reply::new(Code::PassiveMode, text)));
}

/// The lines from the command that sets up the data connection to the one
/// that says it served.
pub fn part(drawing: &str) -> String {
    let from = |line: &&str| !(line.contains("--- PORT ") || line.contains("--- PASV "));
    let to = |line: &&str| !line.contains("--- QUIT ");
    let lines = drawing.lines().skip_while(from).take_while(to);
    lines.map(|line| format!("{line}\n")).collect()
}
