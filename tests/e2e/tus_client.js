// Uploads a file as a browser would, with tus-js-client: node tus_client.js FOLDER-OF-MODULES ENDPOINT TOKEN FILE [URL]
// Prints `url …` once it has one, `sent …` as bytes are there, `done …`.
const [modules, endpoint, token, file, url] = process.argv.slice(2);
const tus = require(`${modules}/tus-js-client`);
const fs = require("fs");

const upload = new tus.Upload(fs.createReadStream(file), {
  endpoint,
  uploadUrl: url || null,
  uploadSize: fs.statSync(file).size,
  chunkSize: 1 << 20,
  retryDelays: [0, 300, 600, 1000, 2000, 3000, 5000],
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: "film.mp4", filetype: "video/mp4" },
  onChunkComplete: (_, sent) => console.log(`sent ${sent}`),
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: () => console.log(`done ${upload.url}`),
  onUploadUrlAvailable: () => console.log(`url ${upload.url}`),
});
upload.start();
