import {
  type BinaryOperationNode,
  type ColumnDefinitionNode,
  DataTypeNode,
  type Dialect,
  DummyDriver,
  GeneratedNode,
  type KyselyPlugin,
  type OperationNode,
  OperationNodeTransformer,
  OperatorNode,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  PrimitiveValueListNode,
  type QueryResult,
  RawNode,
  type RootOperationNode,
  type UnknownRow,
  ValueListNode,
} from "kysely";

function isEmptyList(node: OperationNode): boolean {
  return (PrimitiveValueListNode.is(node) || ValueListNode.is(node)) && node.values.length === 0;
}

/** PostgreSQL's SQL; `in ()`, which it does not know, means what it does in SQLite. */
class RecordsCompiler extends PostgresQueryCompiler {
  protected override visitBinaryOperation(node: BinaryOperationNode): void {
    const { operator, rightOperand } = node;
    const name = OperatorNode.is(operator) ? operator.operator : undefined;
    if ((name === "in" || name === "not in") && isEmptyList(rightOperand))
      this.append(name === "in" ? "false" : "true");
    else super.visitBinaryOperation(node);
  }
}

/** Builds queries and runs none. */
export const postgresBuilding: Dialect = {
  createAdapter: () => new PostgresAdapter(),
  createDriver: () => new DummyDriver(),
  createIntrospector: (db) => new PostgresIntrospector(db),
  createQueryCompiler: () => new RecordsCompiler(),
};

/**
 * Types of PostgreSQL for those that migrations name: whole numbers are 64 bits as in SQLite, text is ordered by its bytes as in
 * SQLite, so that lists have one order and cursors one meaning.
 */
const TYPES: Readonly<Record<string, string>> = {
  integer: "bigint",
  blob: "bytea",
  text: 'text collate "C"',
};

class RecordsSchema extends OperationNodeTransformer {
  protected override transformColumnDefinition(node: ColumnDefinitionNode): ColumnDefinitionNode {
    const { autoIncrement = false, ...column } = node;
    const { dataType } = node;
    const type = DataTypeNode.is(dataType) ? TYPES[dataType.dataType] : undefined;
    return {
      ...column,
      dataType: type === undefined ? dataType : RawNode.createWithSql(type),
      // By default, not always: copies of another database bring their numbers along.
      ...(autoIncrement ? { generated: GeneratedNode.create({ byDefault: true, identity: true }) } : {}),
    };
  }
}

/** Lets the one set of migrations make tables of PostgreSQL. */
export class PostgresSchemaPlugin implements KyselyPlugin {
  readonly #transformer = new RecordsSchema();

  transformQuery({ node, queryId }: PluginTransformQueryArgs): RootOperationNode {
    return this.#transformer.transformNode(node, queryId);
  }

  transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return Promise.resolve(result);
  }
}
