import js from "@eslint/js";
import tseslint from "typescript-eslint";

// The deciding half takes no part in the world: time and facts are arguments.
const pure = {
  patterns: [
    {
      group: ["node:*", "execa", "pino", "../host/*", "../../plugin/*"],
      message: "lib/cluster decides and does nothing else: pass the fact in as an argument.",
    },
  ],
};

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", ".tap/"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ["eslint.config.js"] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "max-lines-per-function": ["warn", { max: 60, skipComments: true, skipBlankLines: true }],
      "max-params": ["error", 4],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "@typescript-eslint/consistent-type-imports": "error",
    },
  },
  {
    files: ["lib/cluster/**/*.ts"],
    rules: {
      "no-restricted-imports": ["error", pure],
      "no-restricted-globals": ["error", "process", "setTimeout", "setInterval", "Date"],
    },
  },
  {
    files: ["test/**/*.ts"],
    rules: { "max-lines-per-function": "off", "@typescript-eslint/no-floating-promises": "off" },
  },
  { files: ["eslint.config.js"], ...tseslint.configs.disableTypeChecked },
);
