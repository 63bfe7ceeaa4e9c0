// Run by browser.ts as a process of its own, with TMPDIR saying where to: the package unpacks into the temporary directory, and
// changes the environment of whoever asks it to. It brings its libraries along where it believes to be on AWS Lambda.
import chromium from '@sparticuz/chromium'

await chromium.executablePath()
