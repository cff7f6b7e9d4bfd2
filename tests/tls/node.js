// basic-ftp against the server: node node.js MODULE PORT AUTHORITY VERSION HOW
"use strict";
const assert = require("node:assert");
const fs = require("node:fs");
const { Readable, Writable } = require("node:stream");

const [module_, port, authority, version, how] = process.argv.slice(2);
const { Client } = require(module_);

function collect() {
    const parts = [];
    const into = new Writable({
        write(part, _, done) {
            parts.push(part);
            done();
        },
    });
    return [into, () => Buffer.concat(parts)];
}

async function main() {
    const client = new Client(20000);
    await client.access({
        host: "localhost",
        port: Number(port),
        user: "ann",
        password: "word",
        secure: how === "implicit" ? "implicit" : true,
        secureOptions: { ca: fs.readFileSync(authority), maxVersion: version },
    });
    for (let round = 1; round <= 100; round++) {
        const content = Buffer.alloc(round * 997, round);
        await client.uploadFrom(Readable.from([content]), "up");
        const [into, got] = collect();
        await client.downloadTo(into, "up");
        assert.ok(got().equals(content), `round ${round}`);
        const names = (await client.list()).map((entry) => entry.name);
        assert.ok(names.includes("up"));
    }
    await client.downloadToDir("got", "tree/src/control");
    await client.uploadFromDir("got", "back");
    client.close();
    console.log("done");
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
