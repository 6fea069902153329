/** `npm run messages`: prints the texts that users and administrators see, by file. */
import { messages } from "./messages.js";

let file = "";
for (const message of messages()) {
  if (message.file !== file) {
    file = message.file;
    console.log(`\n## ${file}\n\n| line | text |\n| --- | --- |`);
  }
  const text = message.text.replace(/\|/g, "\\|").replace(/\s*\n\s*/g, " ⏎ ");
  console.log(`| ${message.line} | ${text} |`);
}
