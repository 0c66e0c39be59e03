// Uppy, bundled as a label's own site would, on a page of another origin; its wire breaks once.

import { openPage } from "../browser.mjs";

export async function run(browser, { page: address, wire, token, file }) {
  const page = await openPage(browser, {});
  await page.goto(address);
  await page.locator("input").setInputFiles(file);
  const seen = await page.evaluate(
    async ({ wire, token }) => {
      const seen = { statuses: [], job: null };
      const uppy = new Uppy().use(UppyTus, {
        endpoint: `${wire}/api/v1/uploads`,
        headers: { Authorization: `Bearer ${token}` },
        retryDelays: [100, 300, 1000],
        onAfterResponse(request, response) {
          const offset = response.getHeader("Upload-Offset");
          seen.statuses.push([request.getMethod(), response.getStatus(), offset && Number(offset)]);
          seen.job = response.getHeader("Headwater-Job") ?? seen.job;
        },
      });
      const data = document.querySelector("input").files[0];
      const meta = { title: "By Uppy", artist: "Ada" };
      uppy.addFile({ name: data.name, type: data.type, data, meta });
      const { successful, failed } = await uppy.upload();
      const failures = failed.map((one) => String(one.error));
      return { ...seen, succeeded: successful.length, failures };
    },
    { wire, token },
  );
  return { ...seen, errors: page.seen.errors };
}
