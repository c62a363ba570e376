// Runs pieces of Python, one after the other at top level, in the 32-bit MicroPython: node webassembly.js MODULE.mjs JOB.json
// JOB: {"heap": bytes, "files": {"/a/app.mpy": base64}, "pieces": [text]}; what they print comes out.
const fs = require("fs");
const { pathToFileURL } = require("url");

(async () => {
    const job = JSON.parse(fs.readFileSync(process.argv[3], "utf8"));
    const { loadMicroPython } = await import(pathToFileURL(process.argv[2]));
    const mp = await loadMicroPython({ heapsize: job.heap, linebuffer: true, stdout: (line) => console.log(line) });
    for (const [name, data] of Object.entries(job.files)) {
        const parts = name.split("/");
        for (let n = 2; n < parts.length; n++) {
            try {
                mp.FS.mkdir(parts.slice(0, n).join("/"));
            } catch (e) {
                // it is there
            }
        }
        mp.FS.writeFile(name, Buffer.from(data, "base64"));
    }
    // gc.collect() finds what the stack of a running script holds on to only between two of them.
    for (const piece of job.pieces) mp.runPython(piece);
})().catch((error) => {
    console.log(String(error));
    process.exit(1);
});
