// Uploads FILE to ENDPOINT with TOKEN in pieces of CHUNK bytes; stops by itself after STOP bytes, if that is not 0.
// Prints the upload's URL. With URL it goes on with that upload.
const fs = require("fs");
const tus = require("tus-js-client");
const [file, endpoint, token, chunk, stop, url] = process.argv.slice(2);
const upload = new tus.Upload(fs.createReadStream(file), {
  endpoint,
  uploadUrl: url || null,
  chunkSize: Number(chunk),
  uploadSize: fs.statSync(file).size,
  retryDelays: [100, 300, 1000, 2000],
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: "von node.mp4" },
  onError(error) {
    console.error(String(error));
    process.exit(1);
  },
  onChunkComplete(size, accepted) {
    if (Number(stop) && accepted >= Number(stop)) {
      console.log(upload.url);
      process.exit(0);
    }
  },
  onSuccess() {
    console.log(upload.url);
  },
});
upload.start();
