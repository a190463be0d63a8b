import { chainSuite } from "./chain-suite.ts";

chainSuite();
