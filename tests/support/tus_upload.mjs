// Uploads a file with tus-js-client, as an application of a label does, and prints what happened.
//
// node tus_upload.mjs '{"endpoint", "file", "token", "metadata"?, "chunkSize"?, "retry"?}'
import {createReadStream, statSync} from 'node:fs';
import tus from 'tus-js-client';

const given = JSON.parse(process.argv[2]);
const seen = {requests: [], errors: []};

const upload = new tus.Upload(createReadStream(given.file), {
  endpoint: given.endpoint,
  uploadUrl: given.uploadUrl ?? null,
  uploadSize: statSync(given.file).size,
  chunkSize: given.chunkSize ?? 8 << 20,
  retryDelays: given.retry ?? [200, 500, 1000, 2000, 3000, 5000],
  metadata: given.metadata ?? {},
  headers: {Authorization: `Bearer ${given.token}`},
  uploadDataDuringCreation: given.duringCreation ?? false,
  onAfterResponse(request, response) {
    const offset = response.getHeader('Upload-Offset');
    seen.requests.push([request.getMethod(), response.getStatus(), offset ? Number(offset) : null]);
    seen.job = response.getHeader('Headwater-Job') ?? seen.job;
  },
  onUploadUrlAvailable() {
    seen.url = upload.url;
    process.stderr.write(`${upload.url}\n`);
  },
  onProgress(sent) {
    process.stderr.write(`${sent}\n`);
  },
  onShouldRetry(error) {
    const status = error.originalResponse?.getStatus() ?? 0;
    seen.errors.push(status);
    return status === 0 || status >= 500 || [408, 409, 423, 460].includes(status);
  },
  onError(error) {
    seen.error = error.originalResponse?.getBody() ?? String(error);
    process.stdout.write(JSON.stringify(seen));
    process.exit(1);
  },
  onSuccess() {
    process.stdout.write(JSON.stringify(seen));
  },
});
upload.start();
